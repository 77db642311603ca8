"""Forward kinematics for one robot, on JAX arrays (callers vmap) or NumPy arrays.

Rotations are handled as three column vectors, and constants enter as coefficients of these, so that a batch
of robots is nothing but elementwise work that XLA fuses: no small matrix products, no reduced precision.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mjxdex.arrays import Array, namespace
from mjxdex.robot import tables

_TINY = 1e-30
"""Imaginary step by which a function of analytic operations is differentiated to the last digit."""


class Frame(NamedTuple):
    """Origin and axes of one or more frames in the world, each [..., 3]."""

    origin: Array
    x: Array
    y: Array
    z: Array

    @property
    def rotation(self) -> Array:
        """Rotation matrices [..., 3, 3] that take vectors of the frame into the world."""
        return namespace(self.x).stack((self.x, self.y, self.z), axis=-1)


class _Offset(NamedTuple):
    """A constant transform: position and each of the 3 axes as sums of the parent's axes.

    A sum is a tuple of terms (which axis, its coefficient); coefficients are [4, 1] for fingers, None for 1.
    """

    pos: tuple
    axes: tuple


def arm_frames(q: Array) -> list[Frame]:
    """Frames of iiwa7_link_1 to iiwa7_link_7 in the world, at joint positions q [>= 7], rad."""
    xp = namespace(q)
    unit = xp.eye(3, dtype=q.dtype)
    frame, frames = Frame(xp.zeros(3, q.dtype), unit[0], unit[1], unit[2]), []
    for i, offset in enumerate(_ARM_OFFSETS):
        frame = _turn(_attach(frame, offset), q[i])
        frames.append(frame)
    return frames


def palm_frame(q: Array) -> Frame:
    """Frame of palm_link: x along the fingers, z out of the palm. q [>= 7], rad."""
    return _attach(arm_frames(q)[-1], _PALM_OFFSET)


def frames(q: Array) -> Frame:
    """Frames of the 23 moving links, in the order of the joints: fields [23, 3]. The hinge axis is z.

    Args:
      q: [23] joint positions, rad.
    """
    xp = namespace(q)
    arm = arm_frames(q)
    fingers = _finger_frames(_attach(arm[-1], _PALM_OFFSET), q)
    arm_part = [xp.stack(vectors) for vectors in zip(*arm, strict=True)]
    hand_part = [xp.stack(vectors, axis=1).reshape(-1, 3) for vectors in zip(*fingers, strict=True)]
    return Frame(*(xp.concatenate(parts) for parts in zip(arm_part, hand_part, strict=True)))


def palm_pose(q: Array) -> tuple[Array, Array]:
    """Position [3] (m) and rotation matrix [3, 3] of palm_link in the world, at q [>= 7] (rad)."""
    palm = palm_frame(q)
    return palm.origin, palm.rotation


def hand_points(q: Array) -> Array:
    """Origins of `tables.HAND_POINTS` in the world: palm, then index, middle, ring, thumb tip.

    Args:
      q: [23] joint positions, rad.

    Returns:
      [5, 3], m.
    """
    palm = palm_frame(q)
    tips = _attach(_finger_frames(palm, q)[-1], _TIP_OFFSETS)
    return namespace(q).concatenate((palm.origin[None], tips.origin))


def hand_points_and_velocities(q: Array, qd: Array) -> tuple[Array, Array]:
    """Hand points [5, 3] (m) and their velocities [5, 3] (m/s) in the world, at q, qd [23] (rad, rad/s)."""
    if namespace(q, qd) is np:
        along = hand_points(q + 1j * _TINY * qd)
        return along.real, along.imag / _TINY
    import jax

    return jax.jvp(hand_points, (q,), (qd,))


def hand_twists(q: Array, qd: Array) -> tuple[Array, Array]:
    """Hand points [5, 3] (m) and their linear and angular velocities [5, 6] (m/s, rad/s) in the world.

    Args:
      q, qd: [23] joint positions and velocities, rad and rad/s.
    """
    xp = namespace(q, qd)
    points, linear = hand_points_and_velocities(q, qd)
    spin = frames(q).z * qd[:, None]
    palm = spin[: tables.NUM_ARM].sum(axis=0)
    tips = palm + spin[tables.NUM_ARM :].reshape(4, 4, 3).sum(axis=1)
    angular = xp.concatenate((palm[None], tips))
    return points, xp.concatenate((linear, angular), axis=1)


def _attach(parent: Frame, offset: _Offset) -> Frame:
    """The frame at a constant offset from its parent."""
    _, x, y, z = parent
    axes = [_combine(column, x, y, z) for column in offset.axes]
    return Frame(parent.origin + _combine(offset.pos, x, y, z), *axes)


def _turn(frame: Frame, angle: Array) -> Frame:
    """The frame turned about its z axis by angle [...], rad."""
    xp = namespace(angle)
    c, s = xp.cos(angle)[..., None], xp.sin(angle)[..., None]
    return Frame(frame.origin, c * frame.x + s * frame.y, c * frame.y - s * frame.x, frame.z)


def _finger_frames(palm: Frame, q: Array) -> list[Frame]:
    """Frames of links 0 to 3 of the four fingers at once: four frames with fields [4, 3]."""
    angles = q[tables.NUM_ARM :].reshape(4, 4)
    frame, found = palm, []
    for i, offset in enumerate(_FINGER_OFFSETS):
        frame = _turn(_attach(frame, offset), angles[:, i])
        found.append(frame)
    return found


def _combine(terms: tuple, *vectors: Array) -> Array:
    xp, dtype = namespace(*vectors), vectors[0].dtype
    parts = [vectors[i] if c is None else xp.multiply(np.asarray(c, dtype), vectors[i]) for i, c in terms]
    return sum(parts[1:], parts[0]) if parts else xp.zeros_like(vectors[0])


def _offset(*poses: tuple[np.ndarray, np.ndarray]) -> _Offset:
    """One constant transform, or those of the four fingers, from positions [3] and rotations [3, 3]."""
    pos = np.stack([pose[0] for pose in poses], axis=-1)
    rot = np.stack([pose[1] for pose in poses], axis=-1)
    # Right angles are given as 1.570796327; what is left of their cosines is no coefficient worth a product.
    rot = np.where(np.abs(rot) < 1e-9, 0.0, np.where(np.abs(np.abs(rot) - 1) < 1e-15, np.sign(rot), rot))

    def coefficient(values: np.ndarray) -> float | np.ndarray | None:
        if (values == 1).all():
            return None
        return float(values[0]) if len(poses) == 1 else values[:, None]

    def terms(coordinates: np.ndarray) -> tuple:
        return tuple((i, coefficient(values)) for i, values in enumerate(coordinates) if values.any())

    return _Offset(terms(pos), tuple(terms(rot[:, j]) for j in range(3)))


def _joint_offset(i: int) -> tuple[np.ndarray, np.ndarray]:
    joint = tables.JOINTS[i]
    return np.array(joint.xyz, float), tables.rotation(joint.rpy)


_ARM_OFFSETS = [_offset(_joint_offset(i)) for i in range(tables.NUM_ARM)]
_PALM_OFFSET = _offset(tables.fixed_chain(tables.PALM)[1:])
_FINGER_OFFSETS = [_offset(*(_joint_offset(7 + 4 * finger + i) for finger in range(4))) for i in range(4)]
_TIP_OFFSETS = _offset(*(tables.fixed_chain(tip)[1:] for tip in tables.TIPS))
