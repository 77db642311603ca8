"""Signed distances of points from primitives, and points on their surfaces."""

import numpy as np

from mjxdex.objects.shapes import Part

NUM_SIZES = {"box": 3, "cylinder": 2, "capsule": 2, "ellipsoid": 3}
"""How many of a part's three sizes its type uses."""


def signed_distance(kind: str, size: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distance from a primitive's surface, negative inside.

    Args:
      kind: type of part.
      size: its sizes as MuJoCo wants them, [3].
      points: [..., 3] in its frame.

    Returns:
      [...]: exact, but for ellipsoids only to first order near the surface.
    """
    if kind == "box":
        beyond = np.abs(points) - size
    elif kind == "ellipsoid":
        unit = np.maximum(np.linalg.norm(points / size, axis=-1), 1e-6)
        return unit * (unit - 1) / np.maximum(np.linalg.norm(points / size**2, axis=-1), 1e-9)
    else:
        radial, axial = np.hypot(points[..., 0], points[..., 1]), np.abs(points[..., 2]) - size[1]
        if kind == "capsule":
            return np.hypot(radial, np.maximum(axial, 0)) - size[0]
        beyond = np.stack([radial - size[0], axial], axis=-1)
    outside = np.linalg.norm(np.maximum(beyond, 0), axis=-1)
    return outside + np.minimum(beyond.max(axis=-1), 0)


def distance_to_parts(parts: tuple[Part, ...], points: np.ndarray) -> np.ndarray:
    """Signed distance of points [P, 3] from each part, [K, P]; the least is that of their union."""
    return np.stack(
        [signed_distance(part.type, np.array(part.size), (points - part.pos) @ part.rot) for part in parts]
    )


def triangles(part: Part, segments: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """The part's surface: vertices [V, 3] in the object's frame and faces [F, 3]."""
    if part.type == "box":
        corners = np.stack(np.meshgrid(*[[-1.0, 1.0]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
        vertices, faces = corners * part.size, quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    else:
        vertices, faces = _revolved(_profile(part, segments // 4), segments)
        if part.type == "ellipsoid":
            vertices = vertices * part.size
    return vertices @ part.rot.T + part.pos, faces


def _profile(part: Part, quarter: int) -> np.ndarray:
    """Radius and height from the lower to the upper end of the axis, [n, 2]; both ends lie on it."""
    angle = np.linspace(0, np.pi / 2, quarter + 1)
    arc = np.stack([np.sin(angle), -np.cos(angle)], axis=1)
    if part.type == "ellipsoid":
        half = arc
    elif part.type == "capsule":
        half = arc * part.size[0] - [0, part.size[1]]
    else:
        half = np.array([[0, -part.size[1]], [part.size[0], -part.size[1]]])
    return np.concatenate([half, half[::-1] * [1, -1]])


def _revolved(profile: np.ndarray, segments: int) -> tuple[np.ndarray, np.ndarray]:
    angle = np.arange(segments) * 2 * np.pi / segments
    n = len(profile)
    vertices = np.stack(
        [
            np.cos(angle)[:, None] * profile[:, 0],
            np.sin(angle)[:, None] * profile[:, 0],
            np.broadcast_to(profile[:, 1], (segments, n)),
        ],
        axis=-1,
    ).reshape(-1, 3)
    here, row = np.meshgrid(np.arange(segments), np.arange(n - 1), indexing="ij")
    there = (here + 1) % segments
    a, b, c, d = here * n + row, there * n + row, there * n + row + 1, here * n + row + 1
    faces = np.stack([a, b, c, a, c, d], axis=-1).reshape(-1, 3)
    return vertices, faces
