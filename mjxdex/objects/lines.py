"""Where straight lines meet the parts of an object."""

import numpy as np

from mjxdex.objects.shapes import Part


def line_span(part: Part, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where lines parallel to the object's z axis enter and leave a part.

    Args:
      part: a convex solid.
      x, y: where the lines are, [L], metres.

    Returns:
      Lower and upper z [2, L], metres; inf and -inf of lines that miss the part.
    """
    # In the part's frame a line is origin + z * direction, with z the object's own coordinate.
    origin = part.rot.T @ (np.stack([x, y, np.zeros_like(x)]) - np.array(part.pos)[:, None])
    direction = part.rot[2]
    radius, half, _ = part.size
    if part.type == "box":
        return _common(*(_slab(origin[i], direction[i], part.size[i]) for i in range(3)))
    if part.type == "ellipsoid":
        size = np.array(part.size)
        return _ball(origin / size[:, None], direction / size, 1.0)
    tube = _common(_ball(origin[:2], direction[:2], radius), _slab(origin[2], direction[2], half))
    if part.type == "cylinder":
        return tube
    up = np.array([[0.0], [0.0], [half]])
    caps = [_ball(origin + end, direction, radius) for end in (up, -up)]
    spans = np.stack([tube, *caps])
    return np.stack([spans[:, 0].min(axis=0), spans[:, 1].max(axis=0)])


def _slab(origin: np.ndarray, direction: float, half: float) -> np.ndarray:
    """Span of |origin + z direction| <= half."""
    if abs(direction) < 1e-12:
        return _masked(np.abs(origin) <= half, np.full_like(origin, -np.inf), np.full_like(origin, np.inf))
    ends = np.stack([(-half - origin) / direction, (half - origin) / direction])
    return np.sort(ends, axis=0)


def _ball(origin: np.ndarray, direction: np.ndarray, radius: float) -> np.ndarray:
    """Span of |origin + z direction| <= radius, in two or three dimensions."""
    square = direction @ direction
    distance = (origin**2).sum(axis=0) - radius**2
    if square < 1e-20:
        return _masked(distance <= 0, np.full_like(distance, -np.inf), np.full_like(distance, np.inf))
    middle = -(direction @ origin) / square
    reach = middle**2 - distance / square
    half = np.sqrt(np.clip(reach, 0, None))
    return _masked(reach > 0, middle - half, middle + half)


def _common(*spans: np.ndarray) -> np.ndarray:
    begin = np.max([span[0] for span in spans], axis=0)
    end = np.min([span[1] for span in spans], axis=0)
    return _masked(end > begin, begin, end)


def _masked(hit: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    return np.stack([np.where(hit, begin, np.inf), np.where(hit, end, -np.inf)])
