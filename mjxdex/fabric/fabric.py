"""The geometric fabric: joint accelerations from palm and hand targets, integrated. One robot, on JAX
arrays (callers vmap) or NumPy arrays.

The fabric is a second-order system of its own: the targets shape it and the joint servos follow it; measured
joints enter it only at a reset. Source: published FABRICS equations and parameters.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mjxdex.arrays import Array, namespace
from mjxdex.fabric import leaves
from mjxdex.fabric.linalg import solve_spd
from mjxdex.fabric.repulsion import sphere_repulsion
from mjxdex.robot.rotations import euler_zyx_to_matrix

MAX_ACCELERATION = np.array([7.5, 7.5, 10, 10, 10, 20, 20] + [22.5] * 16)
"""rad/s^2 [23]."""
MAX_JERK = np.array([3750, 3750, 5000, 5000, 5000, 10000, 10000] + [2250] * 16)
"""rad/s^3 [23]."""


class FabricState(NamedTuple):
    """Joint positions (rad), velocities (rad/s) and last accelerations (rad/s^2) of the fabric, each [23]."""

    pos: Array
    vel: Array
    acc: Array


class Acceleration(NamedTuple):
    """Joint acceleration [23] before the limit, energization coefficient (scalar), joint metric [23, 23]."""

    acc: Array
    energization: Array
    metric: Array


def step(
    state: FabricState,
    palm_target: tuple[Array, Array],
    pca_target: Array,
    damping: Array | float,
    *,
    timestep: float,
    curvature_factor: float,
    collision_avoidance: bool = True,
) -> FabricState:
    """One fabric step.

    Args:
      state: of one robot.
      palm_target: position [3] (m, world) and Euler angles ZYX [3] (rad) of palm_link.
      pca_target: [5] hand PCA coordinates.
      damping: joint-space damping gain, 1/s.
      timestep: s of fabric time.
      curvature_factor: how often the curvature force enters; 1 in the textbook, 2 in the published code.
      collision_avoidance: whether the robot keeps away from its surroundings and itself.

    Returns:
      The next state; its acc is the acceleration that led there.
    """
    xp = namespace(state.pos)
    targets = palm_target, pca_target
    raw = acceleration(
        state.pos, state.vel, *targets, damping, curvature_factor, collision_avoidance=collision_avoidance
    ).acc
    limit = acceleration_limit(timestep).astype(raw.dtype)
    acc = raw * xp.minimum(1.0, xp.min(limit / xp.maximum(xp.abs(raw), 1e-9)))
    pos = state.pos + timestep * state.vel + 0.5 * timestep**2 * acc
    return FabricState(pos, state.vel + timestep * acc, acc)


def acceleration(
    pos: Array,
    vel: Array,
    palm_target: tuple[Array, Array],
    pca_target: Array,
    damping: Array | float,
    curvature_factor: float,
    *,
    collision_avoidance: bool = True,
) -> Acceleration:
    """The fabric's joint acceleration at pos (rad) and vel (rad/s), both [23]; other arguments as for `step`.

    The geometry is energized: by itself it keeps |vel|^2 / 2, which only targets, limits and damping change.
    """
    xp = namespace(pos)
    total = (
        leaves.joint_limits(pos, vel)
        + leaves.posture(pos, vel)
        + leaves.hand_synergies(pos, vel, pca_target)
        + leaves.palm_pose(pos, vel, palm_target[0], euler_zyx_to_matrix(palm_target[1]))
    )
    if collision_avoidance:
        total += sphere_repulsion(pos, vel)
    geometric = total.geometric + curvature_factor * total.curvature
    free, forced = solve_spd(total.metric, -xp.stack((geometric, total.potential)))
    energization = -xp.sum(vel * free) / (xp.sum(vel * vel) + 1e-6)
    return Acceleration(free + energization * vel + forced - damping * vel, energization, total.metric)


def acceleration_limit(timestep: float) -> np.ndarray:
    """Joint acceleration limits [23], rad/s^2, lowered where a timestep (s) could exceed MAX_JERK."""
    exceeds = 2 * MAX_ACCELERATION / timestep > MAX_JERK
    return np.where(exceeds, MAX_JERK * timestep / 2, MAX_ACCELERATION)
