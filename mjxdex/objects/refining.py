"""Least squares of primitives against a mesh: all parts move together until their union has its distances."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mjxdex.objects.distance import NUM_SIZES, signed_distance
from mjxdex.objects.meshes import Mesh
from mjxdex.objects.sampling import Solid, mesh_surface
from mjxdex.objects.shapes import Part

MIN_HALF_SIZE = 0.004
"""Least half thickness of a part, metres: thinner ones slip through the contacts of a physics step."""
MIN_CAPSULE_HALF_LENGTH = 0.0005
MIN_FITTED = 0.001
"""Least half thickness while parts are fitted, metres; raised to MIN_HALF_SIZE at the end."""
SURFACE_POINTS = 1200
VOLUME_CELLS = 13
"""Cells along each edge of the box around the mesh; each holds one point."""
FAR = (1.1, 1.5, 2.0)
FAR_POINTS = 250
"""Boxes around that one, and points on each: no part may reach there."""
CLIP = (0.08, 0.16)
"""Signed distances count up to here, inside and outside, in half lengths of the object."""
ROBUST = 0.04
"""Distances beyond this count less than their square, in half lengths of the object."""


@dataclass(frozen=True)
class Target:
    """What the parts should reproduce, in half lengths of the object.

    Attributes:
      points: [P, 3]; the first `surface` of them lie on the mesh.
      distances: signed distances of the points from the mesh, clipped to CLIP, [P].
      surface: number of points on the surface.
      scale: metres in one half length.
    """

    points: np.ndarray
    distances: np.ndarray
    surface: int
    scale: float


@dataclass(frozen=True)
class Fit:
    """Parts and how well they reproduce the target.

    Attributes:
      parts: in metres.
      loss: mean robust square of the distance error, in half lengths.
      error: mean distance of the mesh's surface from the fit, metres.
    """

    parts: tuple[Part, ...]
    loss: float
    error: float


def make_target(mesh: Mesh, rng: np.random.Generator) -> Target:
    """Points on the mesh and in a box around it with their signed distances."""
    scale = np.ptp(mesh.vertices, axis=0).max() / 2
    vertices = mesh.vertices / scale
    surface = mesh_surface(vertices, mesh.faces, 20 * SURFACE_POINTS, rng)
    on = surface.points[:: max(1, len(surface.points) // SURFACE_POINTS)]
    margin = CLIP[1]
    box = vertices.min(axis=0) - margin, vertices.max(axis=0) + margin
    solid = Solid((vertices, mesh.faces), box, VOLUME_CELLS, rng)
    distance = surface.distance(solid.points) * np.where(solid.inside, -1, 1)
    far = [grown * box[1] * _cube_surface(FAR_POINTS, rng) for grown in FAR]
    beyond = np.full(len(FAR) * FAR_POINTS, CLIP[1])
    return Target(
        points=np.concatenate([on, solid.points, *far]),
        distances=np.concatenate([np.zeros(len(on)), distance.clip(-CLIP[0], CLIP[1]), beyond]),
        surface=len(on),
        scale=float(scale),
    )


def _cube_surface(count: int, rng: np.random.Generator) -> np.ndarray:
    """Points on the surface of the cube [-1, 1]³, [count, 3]."""
    points = rng.uniform(-1, 1, (count, 3))
    points[np.arange(count), rng.integers(3, size=count)] = rng.choice([-1.0, 1.0], count)
    return points


class _Parameters:
    """Parts as one vector: of each its position, a rotation on top of its first orientation, its sizes."""

    def __init__(self, parts: tuple[Part, ...], target: Target) -> None:
        self.parts, self.target = parts, target
        self.rot = [part.rot for part in parts]
        starts = np.cumsum([0, *(6 + NUM_SIZES[part.type] for part in parts)])
        self.spans = [slice(a, b) for a, b in itertools.pairwise(starts)]
        values = [np.concatenate([p.pos, np.zeros(3), p.size[: NUM_SIZES[p.type]]]) for p in parts]
        self.x = np.concatenate(values) / target.scale
        self.lower = np.full(len(self.x), -np.inf)
        for part, span in zip(parts, self.spans, strict=True):
            self.lower[span.start + 6 : span.stop] = MIN_FITTED / target.scale
            if part.type == "capsule":
                self.lower[span.start + 7] = MIN_CAPSULE_HALF_LENGTH / target.scale

    def distance(self, k: int, x: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Signed distance of points [P, 3] from part k with its own parameters x, [P]."""
        turned = self.rot[k] @ _rotation(x[3:6])
        size = np.zeros(3)
        size[: len(x) - 6] = x[6:]
        return signed_distance(self.parts[k].type, size, (points - x[:3]) @ turned)

    def to_parts(self, x: np.ndarray) -> tuple[Part, ...]:
        from scipy.spatial.transform import Rotation

        made = []
        for k, span in enumerate(self.spans):
            own = x[span]
            turned = Rotation.from_matrix(self.rot[k] @ _rotation(own[3:6]))
            size = np.zeros(3)
            size[: len(own) - 6] = own[6:] * self.target.scale
            quat = turned.as_quat(canonical=True, scalar_first=True)
            made.append(
                Part(
                    self.parts[k].type,
                    three(size),
                    three(own[:3] * self.target.scale),
                    (float(quat[0]), float(quat[1]), float(quat[2]), float(quat[3])),
                )
            )
        return tuple(made)


def refine(parts: tuple[Part, ...], target: Target, steps: int, only: int | None = None) -> Fit:
    """Levenberg-Marquardt over all parts, or over part `only`, on the distances of their union."""
    now = _Parameters(parts, target)
    free = [only] if only is not None else list(range(len(parts)))
    moved = np.concatenate([np.arange(now.spans[k].start, now.spans[k].stop) for k in free])
    table = np.stack([now.distance(k, now.x[span], target.points) for k, span in enumerate(now.spans)])
    x, damping = np.maximum(now.x, now.lower), 1e-2

    def distances(x: np.ndarray) -> np.ndarray:
        for k in free:
            table[k] = now.distance(k, x[now.spans[k]], target.points)
        return table

    error = _errors(distances(x).min(axis=0), target)
    for _ in range(steps):
        slope = _slope(now, x, distances(x), free)[:, moved]
        weighted = slope / np.sqrt(1 + (error / ROBUST) ** 2)[:, None]
        # Not `@`: on a busy machine BLAS's threads wait 50 times longer for each other than this takes.
        hessian, gradient = np.einsum("pi,pj->ij", weighted, slope), np.einsum("pi,p->i", weighted, error)
        held = (x[moved] <= now.lower[moved]) & (gradient > 0)
        hessian[held, :] = hessian[:, held] = 0
        gradient[held] = 0
        curvature = np.diag(hessian) + 1e-6 * len(error)
        before = _loss(error)
        while damping < 1e4:
            trial = x.copy()
            trial[moved] -= np.linalg.solve(hessian + np.diag(damping * curvature + 1e-9), gradient)
            trial = np.maximum(trial, now.lower)
            tried = _errors(distances(trial).min(axis=0), target)
            if _loss(tried) < before:
                break
            damping *= 5
        else:
            break
        x, error, damping = trial, tried, damping / 5
        if _loss(error) > before * (1 - 1e-4):
            break
    return evaluate(now.to_parts(x), target)


def _slope(now: _Parameters, x: np.ndarray, table: np.ndarray, free: list[int]) -> np.ndarray:
    """Derivative of the union's distances [P] by the parameters of the parts in `free`, [P, X]."""
    nearest, least = table.argmin(axis=0), table.min(axis=0)
    slope = np.zeros((len(least), len(x)))
    step = 1e-5
    for k in free:
        own = np.flatnonzero((nearest == k) & _counts(least, now.target))
        for i in range(now.spans[k].start, now.spans[k].stop):
            shifted = x.copy()
            shifted[i] += step
            there = now.distance(k, shifted[now.spans[k]], now.target.points[own])
            slope[own, i] = (there - least[own]) / step
    return slope


def _loss(error: np.ndarray) -> float:
    """Mean pseudo-Huber loss."""
    return float(2 * ROBUST**2 * (np.sqrt(1 + (error / ROBUST) ** 2) - 1).mean())


def evaluate(parts: tuple[Part, ...], target: Target) -> Fit:
    """The parts as they are, with their loss."""
    _, error = nearest_part(parts, target)
    return Fit(parts, _loss(error), float(np.abs(error[: target.surface]).mean() * target.scale))


def thicken(found: Fit, target: Target) -> Fit:
    """The fit with every part raised to MIN_HALF_SIZE; nothing else moves, so that outlines stay."""
    parts = []
    for part in found.parts:
        used = 1 if part.type == "capsule" else NUM_SIZES[part.type]
        size = [max(value, MIN_HALF_SIZE) if i < used else value for i, value in enumerate(part.size)]
        parts.append(replace(part, size=three(size)))
    return evaluate(tuple(parts), target)


def nearest_part(parts: tuple[Part, ...], target: Target) -> tuple[np.ndarray, np.ndarray]:
    """Number of the part nearest to each point of the target [P], and the error there [P], half lengths."""
    now = _Parameters(parts, target)
    table = np.stack([now.distance(k, now.x[span], target.points) for k, span in enumerate(now.spans)])
    return table.argmin(axis=0), _errors(table.min(axis=0), target)


def _errors(distance: np.ndarray, target: Target) -> np.ndarray:
    """Errors of signed distances [P], zero where mesh and fit are both beyond CLIP."""
    return np.where(_counts(distance, target), distance, distance.clip(-CLIP[0], CLIP[1])) - target.distances


def _counts(distance: np.ndarray, target: Target) -> np.ndarray:
    """Points whose error changes with their distance: near the fit, on the mesh, or outside but covered."""
    near = (distance > -CLIP[0]) & (distance < CLIP[1])
    near |= (target.distances > 0) & (distance < 0)
    near[: target.surface] = True
    return near


def _rotation(vector: np.ndarray) -> np.ndarray:
    """Rotation matrix of a rotation vector (Rodrigues)."""
    angle = np.linalg.norm(vector)
    x, y, z = vector
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sinc(angle / np.pi) * skew + np.sinc(angle / 2 / np.pi) ** 2 / 2 * skew @ skew


def three(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    a, b, c = values
    return float(a), float(b), float(c)
