"""Forward kinematics in JAX, for one robot; callers vmap.

Rotations are handled as three column vectors, and constants enter as coefficients of these, so that a batch
of robots is nothing but elementwise work that XLA fuses: no small matrix products, no reduced precision.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.robot import tables


class Frame(NamedTuple):
    """Origin and axes of one or more frames in the world, each [..., 3]."""

    origin: jax.Array
    x: jax.Array
    y: jax.Array
    z: jax.Array

    @property
    def rotation(self) -> jax.Array:
        """Rotation matrices [..., 3, 3] that take vectors of the frame into the world."""
        return jnp.stack((self.x, self.y, self.z), axis=-1)


class _Offset(NamedTuple):
    """A constant transform: 3 coefficients of the position, 3 x 3 of the axes; [4, 1] each for fingers."""

    pos: tuple
    axes: tuple


def arm_frames(q: jax.Array) -> list[Frame]:
    """Frames of iiwa7_link_1 to iiwa7_link_7 in the world, at joint positions q [>= 7], rad."""
    unit = jnp.eye(3, dtype=q.dtype)
    frame, frames = Frame(jnp.zeros(3, q.dtype), unit[0], unit[1], unit[2]), []
    for i, offset in enumerate(_ARM_OFFSETS):
        frame = _turn(_attach(frame, offset), q[i])
        frames.append(frame)
    return frames


def palm_frame(q: jax.Array) -> Frame:
    """Frame of palm_link: x along the fingers, z out of the palm. q [>= 7], rad."""
    return _attach(arm_frames(q)[-1], _PALM_OFFSET)


def frames(q: jax.Array) -> Frame:
    """Frames of the 23 moving links, in the order of the joints: fields [23, 3]. The hinge axis is z.

    Args:
      q: [23] joint positions, rad.
    """
    arm = arm_frames(q)
    fingers = _finger_frames(_attach(arm[-1], _PALM_OFFSET), q)
    arm_part = jax.tree.map(lambda *leaves: jnp.stack(leaves), *arm)
    hand_part = jax.tree.map(lambda *leaves: jnp.stack(leaves, axis=1).reshape(-1, 3), *fingers)
    return jax.tree.map(lambda a, b: jnp.concatenate((a, b)), arm_part, hand_part)


def palm_pose(q: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Position [3] (m) and rotation matrix [3, 3] of palm_link in the world, at q [>= 7] (rad)."""
    palm = palm_frame(q)
    return palm.origin, palm.rotation


def hand_points(q: jax.Array) -> jax.Array:
    """Origins of `tables.HAND_POINTS` in the world: palm, then index, middle, ring, thumb tip.

    Args:
      q: [23] joint positions, rad.

    Returns:
      [5, 3], m.
    """
    palm = palm_frame(q)
    tips = _attach(_finger_frames(palm, q)[-1], _TIP_OFFSETS)
    return jnp.concatenate((palm.origin[None], tips.origin))


def hand_points_and_velocities(q: jax.Array, qd: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Hand points [5, 3] (m) and their velocities [5, 3] (m/s) in the world, at q, qd [23] (rad, rad/s)."""
    return jax.jvp(hand_points, (q,), (qd,))


def hand_twists(q: jax.Array, qd: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Hand points [5, 3] (m) and their linear and angular velocities [5, 6] (m/s, rad/s) in the world.

    Args:
      q, qd: [23] joint positions and velocities, rad and rad/s.
    """
    points, linear = hand_points_and_velocities(q, qd)
    spin = frames(q).z * qd[:, None]
    palm = spin[: tables.NUM_ARM].sum(axis=0)
    tips = palm + spin[tables.NUM_ARM :].reshape(4, 4, 3).sum(axis=1)
    angular = jnp.concatenate((palm[None], tips))
    return points, jnp.concatenate((linear, angular), axis=1)


def _attach(parent: Frame, offset: _Offset) -> Frame:
    """The frame at a constant offset from its parent."""
    _, x, y, z = parent
    axes = [_combine(column, x, y, z) for column in offset.axes]
    return Frame(parent.origin + _combine(offset.pos, x, y, z), *axes)


def _turn(frame: Frame, angle: jax.Array) -> Frame:
    """The frame turned about its z axis by angle [...], rad."""
    c, s = jnp.cos(angle)[..., None], jnp.sin(angle)[..., None]
    return Frame(frame.origin, c * frame.x + s * frame.y, c * frame.y - s * frame.x, frame.z)


def _finger_frames(palm: Frame, q: jax.Array) -> list[Frame]:
    """Frames of links 0 to 3 of the four fingers at once: four frames with fields [4, 3]."""
    angles = q[tables.NUM_ARM :].reshape(4, 4)
    frame, found = palm, []
    for i, offset in enumerate(_FINGER_OFFSETS):
        frame = _turn(_attach(frame, offset), angles[:, i])
        found.append(frame)
    return found


def _combine(coefficients: tuple, *vectors: jax.Array) -> jax.Array:
    dtype = vectors[0].dtype
    pairs = zip(coefficients, vectors, strict=True)
    terms = [v if np.all(c == 1) else jnp.multiply(np.asarray(c, dtype), v) for c, v in pairs if np.any(c)]
    return sum(terms[1:], terms[0]) if terms else jnp.zeros_like(vectors[0])


def _offset(*poses: tuple[np.ndarray, np.ndarray]) -> _Offset:
    """One constant transform, or those of the four fingers, from positions [3] and rotations [3, 3]."""
    pos = np.stack([pose[0] for pose in poses], axis=-1)
    rot = np.stack([pose[1] for pose in poses], axis=-1)
    # Right angles are given as 1.570796327; what is left of their cosines is no coefficient worth a product.
    rot = np.where(np.abs(rot) < 1e-9, 0.0, np.where(np.abs(np.abs(rot) - 1) < 1e-15, np.sign(rot), rot))

    def coefficient(values: np.ndarray) -> float | np.ndarray:
        return float(values[0]) if len(poses) == 1 else values[:, None]

    columns = tuple(tuple(coefficient(rot[i, j]) for i in range(3)) for j in range(3))
    return _Offset(tuple(coefficient(pos[i]) for i in range(3)), columns)


def _joint_offset(i: int) -> tuple[np.ndarray, np.ndarray]:
    joint = tables.JOINTS[i]
    return np.array(joint.xyz, float), tables.rotation(joint.rpy)


_ARM_OFFSETS = [_offset(_joint_offset(i)) for i in range(tables.NUM_ARM)]
_PALM_OFFSET = _offset(tables.fixed_chain(tables.PALM)[1:])
_FINGER_OFFSETS = [_offset(*(_joint_offset(7 + 4 * finger + i) for finger in range(4))) for i in range(4)]
_TIP_OFFSETS = _offset(*(tables.fixed_chain(tip)[1:] for tip in tables.TIPS))
