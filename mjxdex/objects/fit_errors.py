"""How far fitted primitives are from the mesh they stand for."""

from dataclasses import dataclass

import numpy as np

from mjxdex.objects.distance import distance_to_parts, triangles
from mjxdex.objects.inertia import inertial
from mjxdex.objects.meshes import Mesh
from mjxdex.objects.sampling import SURFACE_SAMPLES, Solid, Surface, mesh_surface, sample_surface
from mjxdex.objects.shapes import DENSITY, Shape

COLUMNS = 300
"""Lines along each edge that measure the mesh's volume, to about 0.2 % even for thin walls."""
CELLS = 72
"""Samples along each edge of the box in which mesh and fit are compared."""


@dataclass(frozen=True)
class FitErrors:
    """Attributes:
    volume_mesh_cm3: volume that the mesh encloses, overlapping bodies counted once.
    volume_fit_cm3: volume of the union of the parts.
    volume_error_percent: of the fit, against the mesh.
    mesh_to_fit_mm: mean distance of the mesh's surface from the fit's.
    mesh_to_fit_95_mm: 95 % of the mesh's surface is closer than this.
    fit_to_mesh_mm: mean distance of the fit's surface from the mesh's.
    fit_to_mesh_95_mm: 95 % of the fit's surface is closer than this.
    iou: volume common to both over the volume of either.
    """

    volume_mesh_cm3: float
    volume_fit_cm3: float
    volume_error_percent: float
    mesh_to_fit_mm: float
    mesh_to_fit_95_mm: float
    fit_to_mesh_mm: float
    fit_to_mesh_95_mm: float
    iou: float

    @property
    def surface_mm(self) -> float:
        """Mean surface distance, both ways."""
        return (self.mesh_to_fit_mm + self.fit_to_mesh_mm) / 2


def fit_errors(mesh: Mesh, shape: Shape, seed: int = 0) -> FitErrors:
    """Compares a mesh with the union of the shape's parts, in the same frame."""
    rng = np.random.default_rng(seed)
    lower, upper = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    volume_mesh = Solid((mesh.vertices, mesh.faces), (lower, upper), COLUMNS, rng, levels=1).volume
    volume_fit = inertial(shape).mass / DENSITY

    box = np.minimum(lower, shape.bounds[0]), np.maximum(upper, shape.bounds[1])
    solid = Solid((mesh.vertices, mesh.faces), box, CELLS, rng)
    filled = distance_to_parts(shape.parts, solid.points).min(axis=0) < 0

    on_mesh = mesh_surface(mesh.vertices, mesh.faces, SURFACE_SAMPLES, rng)
    on_fit = fit_surface(shape, rng)
    there = 1000 * on_fit.distance(on_mesh.points)
    back = 1000 * on_mesh.distance(on_fit.points)
    return FitErrors(
        volume_mesh_cm3=volume_mesh * 1e6,
        volume_fit_cm3=volume_fit * 1e6,
        volume_error_percent=100 * (volume_fit / volume_mesh - 1),
        mesh_to_fit_mm=float(there.mean()),
        mesh_to_fit_95_mm=float(np.quantile(there, 0.95)),
        fit_to_mesh_mm=float(back.mean()),
        fit_to_mesh_95_mm=float(np.quantile(back, 0.95)),
        iou=float((solid.inside & filled).sum() / (solid.inside | filled).sum()),
    )


def fit_surface(shape: Shape, rng: np.random.Generator) -> Surface:
    """The surface of the union of the parts: what of each part no other part covers."""
    meshes = [triangles(part) for part in shape.parts]
    areas = [sample_surface(*mesh, 1, rng)[2] for mesh in meshes]
    points, normals = [], []
    for k, mesh in enumerate(meshes):
        count = int(np.ceil(SURFACE_SAMPLES * areas[k] / sum(areas)))
        on, normal, _ = sample_surface(*mesh, count, rng)
        others = shape.parts[:k] + shape.parts[k + 1 :]
        seen = distance_to_parts(others, on).min(axis=0) > 0 if others else np.ones(count, bool)
        points.append(on[seen])
        normals.append(normal[seen])
    kept = np.concatenate(points)
    return Surface(kept, np.concatenate(normals), sum(areas) * len(kept) / SURFACE_SAMPLES)
