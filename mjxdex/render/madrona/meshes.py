"""Triangle meshes of the primitives, for a renderer that knows no other shapes."""

from typing import NamedTuple

import numpy as np

SEGMENTS = 64
"""Sides of a cylinder's polygon: a radius of 50 mm is met to within 0.03 mm."""
_RINGS = 16
"""Rings of triangles on half a sphere."""


class Mesh(NamedTuple):
    """Attributes:
    vertices: float32 [V, 3].
    triangles: int32 [F, 3], counter-clockwise from outside.
    """

    vertices: np.ndarray
    triangles: np.ndarray


def box() -> Mesh:
    """The box [-1, 1]^3."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    return Mesh(corners, np.array(triangles, np.int32))


def cylinder() -> Mesh:
    """Radius 1 around z, z in [-1, 1]."""
    return _revolve([(0, -1), (1, -1), (1, 1), (0, 1)])


def sphere() -> Mesh:
    """Radius 1."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, 2 * _RINGS + 1)
    return _revolve([(_even(_RINGS) * np.cos(a), _even(_RINGS) * np.sin(a)) for a in angles])


def capsule(radius: float, half: float) -> Mesh:
    """Radius around the segment from -half to half on z, metres."""
    angles = np.linspace(0, np.pi / 2, _RINGS + 1)
    upper = [(radius * np.cos(a), half + radius * _even(_RINGS) * np.sin(a)) for a in angles]
    return _revolve([(r, -z) for r, z in reversed(upper)] + upper)


def _even(rings: int) -> float:
    """Factor by which a polygon's vertices lie outside of the circle, so that its sides err to both sides."""
    return 2 / (1 + np.cos(np.pi / (4 * rings)))


def _revolve(profile: list[tuple[float, float]]) -> Mesh:
    """Surface of revolution of the points (radius, z), upwards; points of radius 0 are poles."""
    wide = 2 / (1 + np.cos(np.pi / SEGMENTS))
    turn = 2 * np.pi * np.arange(SEGMENTS) / SEGMENTS
    circle = wide * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    points = [np.column_stack([r * circle, np.full(SEGMENTS, z)]) for r, z in profile]
    i = np.arange(SEGMENTS)
    j = (i + 1) % SEGMENTS
    triangles = []
    for ring, ((low, _), (high, _)) in enumerate(zip(profile[:-1], profile[1:], strict=True)):
        a, b = ring * SEGMENTS + i, ring * SEGMENTS + j
        c, d = a + SEGMENTS, b + SEGMENTS
        if high > 1e-9:
            triangles.append(np.stack([a, d, c], axis=1))
        if low > 1e-9:
            triangles.append(np.stack([a, b, d], axis=1))
    vertices = np.concatenate(points).astype(np.float32)
    return Mesh(vertices, np.concatenate(triangles).astype(np.int32))
