"""A picture of meshes beside the primitives fitted to them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mjxdex.objects.distance import triangles
from mjxdex.objects.sampling import cast
from mjxdex.objects.shapes import Shape

PIXELS = 240
COLOURS = {
    "box": (0.30, 0.47, 0.66),
    "cylinder": (0.95, 0.56, 0.17),
    "capsule": (0.35, 0.63, 0.31),
    "ellipsoid": (0.88, 0.34, 0.35),
}
MESH_COLOUR = (0.72, 0.72, 0.72)
VIEW_FROM = np.array([0.55, -1.0, 0.75])
LIGHT = np.array([-0.35, 0.45, 0.82])
"""Direction towards the light, in the view: right, up, towards the eye."""


def write_preview(
    path: Path, rows: Sequence[tuple[str, np.ndarray, np.ndarray, Shape]], title: str, columns: int = 5
) -> None:
    """Writes a grid of pairs as PNG: mesh on the left, fit on the right, coloured by type of part.

    Args:
      path: file to write.
      rows: caption, vertices [V, 3], faces [F, 3] and fit of each object, in one frame.
      title: heading.
      columns: pairs side by side.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    columns = min(columns, len(rows))
    lines = -(-len(rows) // columns)
    with matplotlib.rc_context({"font.size": 8}):
        figure = Figure(figsize=(2.6 * columns, 1.6 * lines + 0.7), dpi=90)
        axes = figure.subplots(lines, columns, squeeze=False).reshape(-1)
        for axis in axes:
            axis.axis("off")
        for axis, (caption, vertices, faces, shape) in zip(axes, rows, strict=False):
            axis.imshow(_pair(vertices, faces, shape))
            axis.set_title(caption, pad=1, fontsize=7)
        figure.legend(
            handles=[Patch(color=MESH_COLOUR, label="mesh")]
            + [Patch(color=COLOURS[kind], label=kind) for kind in COLOURS],
            loc="upper right", ncols=5, frameon=False, bbox_to_anchor=(0.995, 1.0),
        )  # fmt: skip
        figure.suptitle(title, x=0.01, y=0.99, ha="left", va="top", fontsize=9)
        top = 1 - 0.45 / figure.get_figheight()
        figure.subplots_adjust(left=0.005, right=0.995, bottom=0.005, top=top, wspace=0.03, hspace=0.18)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)


def _pair(vertices: np.ndarray, faces: np.ndarray, shape: Shape) -> np.ndarray:
    """Mesh and fit side by side in the same view, RGB [PIXELS, 2 PIXELS, 3]."""
    parts = [triangles(part) for part in shape.parts]
    fit = np.concatenate([corners[own] for corners, own in parts])
    colour = np.concatenate(
        [
            np.tile(COLOURS[part.type], (len(own), 1))
            for part, (_, own) in zip(shape.parts, parts, strict=True)
        ]
    )
    toward = VIEW_FROM / np.linalg.norm(VIEW_FROM)
    right = np.cross([0, 0, 1], toward)
    right /= np.linalg.norm(right)
    view = np.stack([right, np.cross(toward, right), toward], axis=1)
    mesh, fit = vertices[faces] @ view, fit @ view
    corners = np.concatenate([mesh, fit]).reshape(-1, 3)
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    reach = np.ptp(corners, axis=0)[:2].max() * 0.53
    images = [
        _render(triangle - middle, shade, reach)
        for triangle, shade in ((mesh, np.tile(MESH_COLOUR, (len(mesh), 1))), (fit, colour))
    ]
    return np.concatenate(images, axis=1)


def _render(triangle: np.ndarray, colour: np.ndarray, reach: float) -> np.ndarray:
    """Shaded view along -z of triangles [F, 3, 3] within `reach` of the z axis, RGB [PIXELS, PIXELS, 3]."""
    fine = 2 * PIXELS
    cell = 2 * reach / fine
    centres = -reach + cell * (np.arange(fine) + 0.5)
    xy = np.stack(np.meshgrid(centres, centres, indexing="ij"), axis=-1)
    pixel, z, face = cast(triangle, xy, np.array([-reach, -reach]), np.array([cell, cell]))
    order = np.argsort(z)
    normal = np.cross(triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-30
    light = 0.45 + 0.6 * np.clip(normal @ LIGHT, 0, 1)
    image = np.ones((fine * fine, 3))
    image[pixel[order]] = (colour * light[:, None])[face[order]]  # the last, nearest one stays
    image = image.reshape(fine, fine, 3).transpose(1, 0, 2)[::-1]
    return image.reshape(PIXELS, 2, PIXELS, 2, 3).mean(axis=(1, 3)).clip(0, 1)
