"""The leaves of the fabric, each pulled back to joint space. One robot, on JAX arrays (callers vmap) or NumPy
arrays.

A leaf is a task map x(q) with Jacobian J and terms that each want an acceleration a with a metric M there.
Pulled back, a term adds J^T M J to the metric and -J^T M a to a force on the left-hand side, M qdd + f = 0:
to the geometric force if a is homogeneous of degree two in the velocity, to the potential force otherwise. A
curved task map adds J^T M Jdot qd.

Source: published FABRICS equations and parameters.
"""

from __future__ import annotations

import operator
from typing import NamedTuple

import numpy as np

from mjxdex.arrays import Array, cross, namespace, pad
from mjxdex.robot import hand_pca, kinematics, tables

NOMINAL_POS = np.array(
    [-0.85, -0.50, 0.76, 1.25, -1.76, 0.90, 0.64, *([0, 0.75, 0.75, 0.75] * 3), 1.57, 0.5, 0.5, 0.5]
)
"""Posture that the redundant joints tend to while the robot moves, rad [23]."""
PALM_POINT_DISTANCE = 0.25
"""The palm is attracted by its origin and six points at this distance along its axes, m."""

_ARM = slice(0, tables.NUM_ARM)
_HAND = slice(tables.NUM_ARM, tables.NUM_JOINTS)
_HAND_GRAM = hand_pca.MATRIX.T @ hand_pca.MATRIX


class Leaf(NamedTuple):
    """What leaves add to the joint-space equation: metric [23, 23], forces [23] of the left-hand side."""

    metric: Array
    geometric: Array
    potential: Array
    curvature: Array

    def __add__(self, other: Leaf) -> Leaf:  # type: ignore[override]
        return Leaf(*map(operator.add, self, other))


class Attractor(NamedTuple):
    """Gains of an attractor of constant metric: it pulls with `gain`, and near the target also damps."""

    metric: float
    gain: float
    sharpness: float
    damping: float = 0.0
    damping_sharpness: float = 0.0
    damping_radius: float = 0.0

    def pull(self, distance: Array) -> Array:
        """Factor on x - x* that gives the pulling acceleration; distance = |x - x*|."""
        xp = namespace(distance)
        return -self.gain * xp.tanh(self.sharpness * distance) / xp.maximum(distance, 1e-9)

    def damp(self, distance: Array) -> Array:
        """Factor on the velocity that gives the damping acceleration."""
        edge = self.damping_sharpness * (distance - self.damping_radius)
        return -self.damping * (0.5 - 0.5 * namespace(edge).tanh(edge))


POSTURE = Attractor(metric=1, gain=1, sharpness=20)
HAND = Attractor(8, 50, 40, damping=50, damping_sharpness=10, damping_radius=0.2)
PALM = Attractor(1, 50, 40, damping=50, damping_sharpness=10, damping_radius=0.2)


def joint_limits(pos: Array, vel: Array) -> Leaf:
    """Repulsion from the joint limits, felt only by joints that approach or violate one. pos, vel: [23]."""
    xp = namespace(pos)
    metric, force = xp.zeros_like(pos), xp.zeros_like(pos)
    lower, upper = tables.LOWER.astype(pos.dtype), tables.UPPER.astype(pos.dtype)
    for sign, gap in ((1.0, pos - lower), (-1.0, upper - pos)):
        speed = sign * vel
        weight = 0.02 / xp.maximum(gap - 0.1, 0.02**0.5 / 10.0) ** 2
        weight = xp.where((speed < 0) | (gap < 0), weight, 0.0)
        metric += weight
        force -= sign * weight * (8.0 - 8.0 * xp.minimum(speed, 0.0))
    zero = xp.zeros_like(pos)
    return Leaf(metric[:, None] * xp.eye(pos.size, dtype=pos.dtype), zero, force, zero)


def posture(pos: Array, vel: Array) -> Leaf:
    """Geometric pull towards NOMINAL_POS, proportional to the squared speed. pos, vel: [23]."""
    xp = namespace(pos)
    error = pos - NOMINAL_POS.astype(pos.dtype)
    zero = xp.zeros_like(pos)
    pull = POSTURE.pull(_norm(error)) * xp.sum(vel * vel) * error
    metric = POSTURE.metric * xp.eye(pos.size, dtype=pos.dtype)
    return Leaf(metric, -POSTURE.metric * pull, zero, zero)


def hand_synergies(pos: Array, vel: Array, target: Array) -> Leaf:
    """Attraction of the hand's PCA coordinates by their target [5]. pos, vel: [23]."""
    xp = namespace(pos)
    matrix = xp.asarray(hand_pca.MATRIX, pos.dtype)
    error = matmul(matrix, pos[_HAND]) - target
    distance = _norm(error)
    wanted = HAND.pull(distance) * error + HAND.damp(distance) * matmul(matrix, vel[_HAND])
    zero = xp.zeros_like(pos)
    force = pad(-HAND.metric * matmul(matrix.T, wanted), (tables.NUM_ARM, 0))
    metric = np.pad(HAND.metric * _HAND_GRAM, (tables.NUM_ARM, 0))
    return Leaf(xp.asarray(metric, pos.dtype), zero, force, zero)


def palm_pose(pos: Array, vel: Array, target_pos: Array, target_rot: Array) -> Leaf:
    """Attraction of seven points of the palm by where the target pose puts them.

    The points are the origin p and p +- d r_k on the three axes r_k, so sums over them have closed forms in
    the palm's linear and angular Jacobians Jv, Jw, 6 rows instead of 21. With errors c at p and g_k of the
    axes, and accelerations a and alpha of the palm at constant joint velocity:
      J^T J = 7 Jv^T Jv + 4 d^2 Jw^T Jw
      J^T e = 7 Jv^T c + 2 d^2 Jw^T sum_k r_k x g_k
      J^T Jdot qd = 7 Jv^T a + 4 d^2 Jw^T alpha

    Args:
      pos: [23] joint positions, rad; vel: [23], rad/s.
      target_pos: [3] palm position, m; target_rot: [3, 3] palm rotation.
    """
    xp = namespace(pos)
    lever = 2 * PALM_POINT_DISTANCE**2
    qd = vel[_ARM]
    links = kinematics.arm_frames(pos)
    palm = kinematics.palm_frame(pos)
    hinges = xp.stack([link.z for link in links])
    origins = xp.stack([link.origin for link in links])
    jacobian = xp.concatenate((cross(hinges, palm.origin - origins), hinges), axis=1).T

    error = palm.origin - target_pos
    axis_errors = tuple(r - target_rot[:, k] for k, r in enumerate(palm[1:]))
    distance = xp.sqrt(xp.sum(7 * error**2 + lever * sum(e**2 for e in axis_errors)))
    torque = sum(cross(r, e) for r, e in zip(palm[1:], axis_errors, strict=True))
    pull = PALM.pull(distance) * xp.concatenate((7 * error, lever * torque))
    weights = np.repeat([7.0, 2 * lever], 3).astype(pos.dtype)
    bias = weights * _bias_acceleration(hinges, origins, palm.origin, qd)

    attraction, curvature = PALM.metric * matmul(xp.stack((pull, bias)), jacobian)
    metric = PALM.metric * matmul(jacobian.T * weights, jacobian)
    force = -attraction - PALM.damp(distance) * matmul(metric, qd)

    after = (0, tables.NUM_HAND)
    zero = xp.zeros_like(pos)
    return Leaf(pad(metric, after), zero, pad(force, after), pad(curvature, after))


def _bias_acceleration(hinges: Array, origins: Array, tip: Array, qd: Array) -> Array:
    """Linear and angular acceleration [6] of a chain's last link at `tip` [3], at constant joint velocity.

    This is Jdot qd of a chain with the given hinge axes and origins [N, 3] and joint velocities qd [N].
    """
    xp = namespace(qd)
    so_far = xp.tril(xp.ones((qd.size, qd.size), qd.dtype))
    spin = hinges * qd[:, None]
    angular = matmul(so_far, spin)
    spin_rate = cross(angular, spin)
    segments = xp.concatenate((origins[1:], tip[None])) - origins
    tip_velocity = matmul(so_far.T, cross(angular, segments))  # as seen from each hinge
    linear = cross(spin_rate, tip - origins) + cross(spin, tip_velocity)
    return xp.concatenate((linear.sum(0), spin_rate.sum(0)))


def _norm(a: Array) -> Array:
    xp = namespace(a)
    return xp.sqrt(xp.sum(a * a))


def matmul(a: Array, b: Array) -> Array:
    """Product in full float32, which is not what GPUs do by default.

    Products also keep XLA from fusing, and thereby recomputing, the long elementwise chains before them.
    """
    xp = namespace(a, b)
    return np.matmul(a, b) if xp is np else xp.matmul(a, b, precision="highest")
