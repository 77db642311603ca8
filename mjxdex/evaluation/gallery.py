"""A picture of many objects, each drawn alone in parallel projection."""

import matplotlib.pyplot as plt
import numpy as np

from mjxdex.objects.lines import line_span
from mjxdex.objects.shapes import Part, Shape

_COLUMNS = 14
_TILE = 94
_CAPTION = 16
_HEADING = 34
"""Pixels."""
_SAMPLES = 3
"""Lines per pixel and axis."""
_SPAN = 0.205
"""Metres across a tile."""
_YAW, _PITCH = 35.0, 28.0
"""Degrees by which an object is turned and tipped towards the viewer."""
_LIGHT = np.array([-0.35, 0.65, 0.68])
_COLOURS = {
    "box": (0.91, 0.66, 0.25),
    "cylinder": (0.36, 0.60, 0.80),
    "capsule": (0.80, 0.42, 0.36),
    "ellipsoid": (0.46, 0.70, 0.45),
}
"""By type of the part, so that the picture shows what an object is made of."""
_PAPER = 0.97


def draw_object(shape: Shape, pixels: int = _TILE, span: float = _SPAN) -> np.ndarray:
    """Draws an object from above and aside; a part's colour tells its type.

    Args:
      shape: the object; its z axis points up in the picture.
      pixels: edge of the picture.
      span: metres across the picture, the same for all objects that are to be compared.

    Returns:
      float32 [pixels, pixels, 3] in 0..1.
    """
    fine = pixels * _SAMPLES
    grid = (np.arange(fine) + 0.5) / fine * span - span / 2
    x, y = np.meshgrid(grid, -grid)
    view = _view()
    middle = shape.bounds.mean(axis=0)
    height = np.stack([_height(part.moved(view, -view @ middle), x, y) for part in shape.parts])
    nearest, depth = height.argmax(axis=0), height.max(axis=0)
    hit = np.isfinite(depth)

    depth = np.where(hit, depth, -span)
    slope_y, slope_x = np.gradient(depth, span / fine)
    normal = np.stack([-slope_x, slope_y, np.ones_like(depth)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = 0.5 + 0.57 * np.clip(normal @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    colours = np.array([_COLOURS[part.type] for part in shape.parts])[nearest]
    picture = np.where(hit[..., None], np.clip(colours * light[..., None], 0, 1), _PAPER)
    return picture.reshape(pixels, _SAMPLES, pixels, _SAMPLES, 3).mean(axis=(1, 3)).astype(np.float32)


def gallery(groups: dict[str, tuple[Shape, ...]]) -> np.ndarray:
    """Draws groups of objects to one scale, with headings and names.

    Returns:
      uint8 [H, W, 3].
    """
    rows = {title: -(-len(shapes) // _COLUMNS) for title, shapes in groups.items()}
    step = _TILE + _CAPTION
    height, width = sum(rows.values()) * step + len(rows) * _HEADING, _COLUMNS * _TILE
    paper = np.full((height, width, 3), _PAPER, np.float32)
    texts = []
    top = 0
    for title, shapes in groups.items():
        texts.append((8, top + _HEADING * 0.7, title, {"size": 12, "weight": "bold"}))
        top += _HEADING
        for i, shape in enumerate(shapes):
            left, upper = i % _COLUMNS * _TILE, top + i // _COLUMNS * step
            paper[upper : upper + _TILE, left : left + _TILE] = draw_object(shape)
            texts.append((left + _TILE / 2, upper + step - 5, shape.name, {"size": 7, "ha": "center"}))
        top += rows[title] * step
    return _written(paper, texts)


def _written(paper: np.ndarray, texts: list[tuple[float, float, str, dict]]) -> np.ndarray:
    """Puts text on a picture; rows are (x, y, text, properties) in pixels, y down to the base line."""
    height, width, _ = paper.shape
    figure = plt.figure(figsize=(width / 100, height / 100), dpi=100)
    figure.figimage(paper)
    for x, y, text, properties in texts:
        figure.text(x / width, 1 - y / height, text, color="0.2", **properties)
    figure.canvas.draw()
    written = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()  # pyright: ignore[reportAttributeAccessIssue]
    plt.close(figure)
    return written


def _height(part: Part, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Highest z of a part above each point (x, y), -inf beside it."""
    low, high = part.bounds
    near = (x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1])
    height = np.full(x.shape, -np.inf)
    height[near] = line_span(part, x[near], y[near])[1]
    return height


def _view() -> np.ndarray:
    """Rotation from the object's frame to the viewer's: x right, y up, z towards the viewer."""
    yaw, tip = np.deg2rad(_YAW), np.deg2rad(_PITCH - 90)
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    lean = np.array([[1, 0, 0], [0, np.cos(tip), -np.sin(tip)], [0, np.sin(tip), np.cos(tip)]])
    return lean @ turn
