"""The leaf that keeps the robot's collision spheres away from its surroundings and its upper arm. One robot,
on JAX or NumPy arrays.

A sphere at r from the palm's origin has the Jacobian X S: S holds the hinges as twists about that point, one
column a joint, and X = [1, -r x] takes a twist to the velocity at r. So the metrics X^T M X of the spheres
can be summed over what each joint carries, as the inertias of links are for a robot's mass matrix, and S is
applied once, which is cheaper than J^T M J with the [93, 23] Jacobian. The palm as the point of reference
keeps the fingers' short levers accurate in single precision.

Arrays have their components first and spheres, obstacles or joints last: [3, 31] for vectors at the spheres.

Source: published FABRICS equations and parameters, except that every box and every pair of spheres counts
once, where there the weights depend on how the kernel is launched, and that a centre inside a box is pushed
out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mjxdex.arrays import Array, namespace, pad
from mjxdex.fabric.leaves import Leaf, matmul
from mjxdex.robot import kinematics, tables
from mjxdex.robot.geometry import COLLISION_SPHERES


class Box(NamedTuple):
    """An axis-aligned box of the robot's surroundings: full size and centre in the world, m."""

    name: str
    size: tuple[float, float, float]
    centre: tuple[float, float, float]


BOXES = (
    Box("table", (0.725, 1.16, 0.03), (-0.5725, 0.088, 0.235)),
    Box("camera", (0.50, 0.45, 0.60), (-0.75, -0.425, 1.15)),
    Box("left wall", (1.7, 0.03, 1.1), (-0.45, -0.45, 0.75)),
    Box("right wall", (1.7, 0.03, 1.1), (-0.45, 0.60, 0.75)),
    Box("back wall", (0.03, 1.1, 1.1), (0.4, 0.075, 0.75)),
    Box("top wall", (1.7, 1.1, 0.03), (-0.45, 0.08, 1.30)),
    Box("floor", (1.7, 1.1, 0.03), (-0.45, 0.075, 0.20)),
)
"""What the spheres keep away from. Source: published FABRICS world."""

GAIN = 1.0
"""Repelling acceleration, m/s^2."""
GEOMETRIC_GAIN = 5.0
"""Repelling acceleration per squared speed of all spheres, 1/m."""
METRIC = 0.01
"""Scale of the metric of each of the two terms, m^2."""
MIN_DISTANCE = 0.01
"""Smaller gaps count as this, m."""
ENGAGE_DISTANCE = 0.5
"""Wider gaps are ignored, m."""
GATE_SHARPNESS = 1000.0
GATE_SPEED = 0.002
"""What a sphere leaves faster than this, m/s, does not enter its metric unless they touch."""

_NUM_UPPER = 3
"""The first spheres, those of the upper arm, are obstacles of the hand's."""


def is_hand(link: str) -> bool:
    """Whether a link is the palm or part of a finger."""
    return link == tables.PALM or link.split("_")[0] in tables.FINGERS


def _contact_distances() -> np.ndarray:
    """Distances [10, 31], m, of centres from boxes and upper-arm spheres at contact; -inf if never."""
    radii = np.array([sphere.radius for sphere in COLLISION_SPHERES])
    hand = np.array([is_hand(sphere.link) for sphere in COLLISION_SPHERES])
    pairs = np.where(hand, radii[:_NUM_UPPER, None] + radii, -np.inf)
    return np.concatenate((np.tile(radii, (len(BOXES), 1)), pairs))


def _moves_link() -> np.ndarray:
    """[23, 23]: 1 where the row's joint moves the column's link."""
    links = [joint.child for joint in tables.JOINTS]
    moves = np.eye(tables.NUM_JOINTS)
    for i, joint in enumerate(tables.JOINTS):
        parent = tables.fixed_chain(joint.parent)[0]
        if parent in links:
            moves[:, i] += moves[:, links.index(parent)]
    return moves


def _points() -> tuple[np.ndarray, np.ndarray]:
    """Links of the spheres [31]; what takes origins and axes of the links to the points wanted, [92, 108].

    The points: centres of the spheres, the same from the palm, the palm from the hinges, axes of the hinges.
    """
    links = [joint.child for joint in tables.JOINTS]

    def fixed(frame: str, point: tuple[float, float, float]) -> tuple[int, np.ndarray]:
        name, pos, rot = tables.fixed_chain(frame)
        coefficients = np.zeros((4, len(links)))
        coefficients[:, links.index(name)] = 1, *(pos + rot @ point)
        return links.index(name), coefficients.ravel()

    carriers, centres = zip(*(fixed(sphere.link, sphere.centre) for sphere in COLLISION_SPHERES), strict=True)
    palm = fixed(tables.PALM, (0, 0, 0))[1]
    origins, axes = np.eye(4 * len(links))[: len(links)], np.eye(4 * len(links))[-len(links) :]
    return np.array(carriers), np.concatenate((centres, centres - palm, palm - origins, axes)).T


_BOX_CENTRES = np.array([box.centre for box in BOXES]).T[..., None]
_BOX_HALVES = np.array([box.size for box in BOXES]).T[..., None] / 2
_CONTACT_DISTANCES = _contact_distances()
_CARRIERS, _POINTS = _points()
_MOVES_LINK = _moves_link()
_MOVES_SPHERE = _MOVES_LINK[:, _CARRIERS]
_NUM_SPHERES = len(COLLISION_SPHERES)


def sphere_repulsion(pos: Array, vel: Array) -> Leaf:
    """Repulsion of all spheres from `BOXES` and of the hand's from the upper arm. pos, vel: [23]."""
    xp = namespace(pos)
    split = np.cumsum((_NUM_SPHERES, _NUM_SPHERES, tables.NUM_JOINTS))
    centres, r, lever, axis = xp.split(_all_points(pos), split, axis=1)
    hinges = xp.concatenate((_cross(axis, lever), axis))
    velocity, bias = _motion(hinges, r, vel)

    direction, metric, gap = _response(centres, velocity)
    scale = METRIC / xp.maximum(gap, MIN_DISTANCE) ** 2
    metric *= scale / (xp.sqrt(xp.sum(metric * metric)) + 1e-6)
    direction /= xp.maximum(xp.sqrt(xp.sum(direction * direction, axis=0)), 1e-9)

    forces = xp.stack((_apply(metric, direction), _apply(metric, bias)), axis=1)
    joint_metric, (repulsion, curvature) = _to_joints(metric, forces, r, hinges)
    geometric = GEOMETRIC_GAIN * xp.sum(velocity * velocity) * repulsion
    return Leaf(2 * joint_metric, geometric, GAIN * repulsion, 2 * curvature)


def gaps(pos: Array) -> Array:
    """Smallest distance of every sphere's surface to its obstacles, m [31]; negative inside. pos: [23]."""
    centres = _all_points(pos)[:, :_NUM_SPHERES]
    return _response(centres, namespace(pos).zeros_like(centres))[2]


def _all_points(pos: Array) -> Array:
    """The points of `_points`, as one product: the frames' long elementwise chains are then computed once."""
    frames = kinematics.frames(pos)
    return matmul(namespace(pos).concatenate(frames).T, _POINTS.astype(pos.dtype))


def _motion(hinges: Array, r: Array, vel: Array) -> tuple[Array, Array]:
    """Velocities J qd and accelerations Jdot qd, m/s and m/s^2 [3, 31], of the points r."""
    xp, num_links = namespace(hinges, vel), len(vel)
    rates = hinges * vel
    moves = np.concatenate((_MOVES_LINK, _MOVES_SPHERE), axis=1).astype(vel.dtype)
    v, w = xp.split(matmul(rates, moves), 2)
    link_v, link_w = v[:, :num_links], w[:, :num_links]
    rates = xp.concatenate((_cross(link_w, rates[:3]) + _cross(link_v, rates[3:]), _cross(link_w, rates[3:])))
    a, alpha = xp.split(matmul(rates, _MOVES_SPHERE.astype(vel.dtype)), 2)
    w = w[:, num_links:]
    velocity = v[:, num_links:] + _cross(w, r)
    return velocity, a + _cross(alpha, r) + _cross(w, velocity)


def _response(centres: Array, velocity: Array) -> tuple[Array, Array, Array]:
    """Where the obstacles of every sphere are.

    Args:
      centres, velocity: of the spheres, m and m/s [3, 31].

    Returns:
      Directions to the obstacles, weighted by 1 / gap and summed, [3, 31]; their outer products, weighted
      alike, gated and summed, [3, 3, 31]; smallest gap, m [31].
    """
    xp, dtype = namespace(centres, velocity), centres.dtype
    local = centres[:, None] - _BOX_CENTRES.astype(dtype)
    # A centre inside a box is pushed out of the nearest face. The published response points at that face
    # there, too, which pushes deeper: of hands reset into a box, three times as many then stay in it.
    depth = _BOX_HALVES.astype(dtype) - xp.abs(local)
    nearest = xp.min(depth, axis=0)
    to_surface = xp.where(nearest > 0, xp.where(depth == nearest, -depth, 0), xp.minimum(depth, 0))
    to_upper = centres[:, :_NUM_UPPER, None] - centres[:, None]
    offset = xp.concatenate((xp.sign(local) * to_surface, to_upper), axis=1)

    distance = xp.sqrt(xp.sum(offset * offset, axis=0))
    inside = pad(nearest > 0, ((0, _NUM_UPPER), (0, 0)))
    gap = xp.where(inside, -distance, distance) - _CONTACT_DISTANCES.astype(dtype)
    n = offset / xp.maximum(distance, 1e-9)
    weight = xp.where(gap <= ENGAGE_DISTANCE, 1 / xp.maximum(gap, MIN_DISTANCE), 0)
    leaving = -xp.sum(n * velocity[:, None], axis=0)
    gate = xp.where(gap <= 0, 1, 0.5 - 0.5 * xp.tanh(GATE_SHARPNESS * (leaving - GATE_SPEED)))

    toward = weight * n
    outer = gate * toward[:, None] * n
    others = (0, _NUM_SPHERES - _NUM_UPPER)
    upper_direction = pad(toward[:, -_NUM_UPPER:].sum(-1), ((0, 0), others))
    upper_outer = pad(outer[:, :, -_NUM_UPPER:].sum(-1), ((0, 0), (0, 0), others))
    upper_gap = pad(gap[-_NUM_UPPER:].min(-1), others, fill=np.inf)
    return (
        toward.sum(-2) - upper_direction,
        outer.sum(-2) + upper_outer,
        xp.minimum(gap.min(-2), upper_gap),
    )


def _to_joints(metric: Array, forces: Array, r: Array, hinges: Array) -> tuple[Array, Array]:
    """Metrics [3, 3, 31] and K forces [3, K, 31] at the points r, pulled back to joint space.

    Returns:
      [23, 23] and [K, 23].
    """
    xp = namespace(metric, r)
    num_joints, dtype = hinges.shape[1], r.dtype
    columns = xp.concatenate((metric, forces), axis=1)
    wrenches = xp.concatenate((columns, _cross(r[:, None], columns)))
    left = wrenches[:, :3].swapaxes(0, 1)
    inertia = xp.concatenate((left, _cross(r[:, None], left)))
    spatial = xp.concatenate((inertia, wrenches[:, 3:].swapaxes(0, 1)))
    carried = matmul(spatial.reshape(-1, _NUM_SPHERES), _MOVES_SPHERE.T.astype(dtype)).reshape(
        -1, 6, num_joints
    )
    product = xp.sum(carried[:6] * hinges[:, None], axis=0)
    entries = matmul(hinges.T, product)  # right where the row's joint moves the column's
    upper = _MOVES_LINK.astype(dtype)
    strictly_upper = upper - np.eye(num_joints, dtype=dtype)
    return entries * upper + (entries * strictly_upper).T, xp.sum(carried[6:] * hinges, axis=1)


def _apply(matrices: Array, vectors: Array) -> Array:
    return namespace(matrices, vectors).sum(matrices * vectors, axis=1)


def _cross(a: Array, b: Array) -> Array:
    """Cross product along the first axis."""
    (ax, ay, az), (bx, by, bz) = a, b
    return namespace(ax, bx).stack((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx))
