"""Cavities of cups, bowls and shells, closed by a second body, for fits that a few solid parts can reach."""

from dataclasses import replace

import numpy as np

from mjxdex.objects.meshes import Mesh
from mjxdex.objects.sampling import Solid

CELLS = 48
"""Cells along each edge of a cube around the mesh; a lid is at most one cell off the rim, 3 mm for 15 cm."""
FINE = 2
"""Samples along each edge of a cell; walls thinner than the space between samples would leak."""
WALLS = 5
"""A place is in a cavity if the mesh is met in so many of the six directions along its axes."""
LEAST_SHARE = 0.2
"""Smaller hollows, in volumes of the mesh, stay: grooves, and the inner side of a ring."""


def fill_cavities(mesh: Mesh) -> Mesh:
    """The mesh with a body in each large cavity, open on one side or on none; itself if there is none.

    Directions are those of the mesh's axes, so a cup must stand or lie along one of them. Holes from side to
    side, as in a ring, stay open.
    """
    from scipy import ndimage

    edge = np.ptp(mesh.vertices, axis=0).max() * (1 + 2 / CELLS)
    corner = np.full(3, edge / 2)
    solid = Solid((mesh.vertices, mesh.faces), (-corner, corner), FINE * CELLS, np.random.default_rng(0))
    inside = solid.inside.reshape([CELLS, FINE] * 3).any(axis=(1, 3, 5))
    walls = np.zeros(inside.shape, int)
    for axis in range(3):
        walls += np.logical_or.accumulate(inside, axis)
        walls += np.flip(np.logical_or.accumulate(np.flip(inside, axis), axis), axis)
    label = np.zeros(inside.shape, int)
    ndimage.label(~inside & (walls >= WALLS), output=label)
    cell = edge / CELLS
    volumes = np.bincount(label.ravel())[1:] * cell**3
    large = np.flatnonzero(volumes > LEAST_SHARE * solid.volume) + 1
    if not len(large):
        return mesh
    cavity = np.isin(label, large)
    body = np.logical_and(ndimage.binary_dilation(cavity), cavity | inside)
    vertices, faces = _blocks(body)
    filled = volumes[large - 1].sum() * 1e6
    return replace(
        mesh,
        vertices=np.concatenate([mesh.vertices, vertices * cell - corner]),
        faces=np.concatenate([mesh.faces, faces + len(mesh.vertices)]),
        notices=(*mesh.notices, f"a cavity of {filled:.0f} cm³ filled"),
    )


def _blocks(body: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Surface of cells of a grid [n, n, n]: corners [V, 3] in cells and faces [F, 3], closed."""
    padded = np.pad(body, 1)
    base = body.shape[0] + 1
    quads = []
    for axis in range(3):
        u, v = np.eye(3, dtype=int)[[(axis + 1) % 3, (axis + 2) % 3]]
        for side in (0, 1):
            beyond = np.roll(padded, 1 - 2 * side, axis)[1:-1, 1:-1, 1:-1]
            start = np.argwhere(body & ~beyond)
            start[:, axis] += side
            loop = [start, start + u, start + u + v, start + v]
            quads.append(np.stack(loop if side else loop[::-1], axis=1))
    corners = np.concatenate(quads)
    number = (corners * [base**2, base, 1]).sum(axis=-1)
    used, index = np.unique(number, return_inverse=True)
    index = index.reshape(-1, 4)
    vertices = np.stack([used // base**2, used // base % base, used % base], axis=1)
    return vertices.astype(float), index[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
