"""The state of the task: everything a simulator shard carries from one control step to the next."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mjxdex.fabric import FabricState
from mjxdex.physics import PhysicsState
from mjxdex.robot import kinematics
from mjxdex.task.randomization import Randomization

NUM_JOINTS = 23
OBJECT_QPOS = slice(NUM_JOINTS, NUM_JOINTS + 7)
OBJECT_QVEL = slice(NUM_JOINTS, NUM_JOINTS + 6)


class Seen(NamedTuple):
    """What the last depth images of N envs show: qpos float32 [N, 30] at the age int32 [N]."""

    qpos: jax.Array
    age: jax.Array


class EnvState(NamedTuple):
    """N envs. Observations are a pure function of it, so that a resumed run sees what it would have seen.

    Attributes:
      env_id: int32 [N], index over all shards; seeds the env's randomness and picks its object.
      episode: int32 [N], episodes started so far.
      age: int32 [N], control steps into the episode.
      random: what was drawn at the reset: physical parameters, camera, noise.
      physics: qpos, qvel and the solver's warm start.
      fabric: the fabric's own joint state; not corrected by the robot's except at a reset.
      torque: float32 [N, 23], torque of each joint's drive in the last physics step, N m.
      force: float32 [N, 5, 3], force at each hand point's joint in the last physics step, N.
      last_action: float32 [N, 11], clipped to [-1, 1].
      held: int32 [N], control steps without a break that the object has been in the goal region.
      seen: what the depth images show; None for a camera that takes one in every control step, which show
        the present.
    """

    env_id: jax.Array
    episode: jax.Array
    age: jax.Array
    random: Randomization
    physics: PhysicsState
    fabric: FabricState
    torque: jax.Array
    force: jax.Array
    last_action: jax.Array
    held: jax.Array
    seen: Seen | None = None


class View(NamedTuple):
    """Quantities derived from an EnvState, of N envs, world frame, SI units.

    `hand_points` are the palm and the four fingertips; `hand_twist` [N, 5, 6] and `object_vel` [N, 6] are
    linear, then angular velocities.
    """

    joint_pos: jax.Array
    joint_vel: jax.Array
    hand_points: jax.Array
    hand_twist: jax.Array
    object_pos: jax.Array
    object_quat: jax.Array
    object_vel: jax.Array


def view(physics: PhysicsState) -> View:
    """Derives positions and velocities of hand and object from the physics state of N envs."""
    joint_pos = physics.qpos[:, :NUM_JOINTS]
    joint_vel = physics.qvel[:, :NUM_JOINTS]
    points, twists = jax.vmap(kinematics.hand_twists)(joint_pos, joint_vel)
    quat = physics.qpos[:, OBJECT_QPOS][:, 3:]
    linear, angular_body = jnp.split(physics.qvel[:, OBJECT_QVEL], 2, axis=1)
    return View(
        joint_pos=joint_pos,
        joint_vel=joint_vel,
        hand_points=points,
        hand_twist=twists,
        object_pos=physics.qpos[:, OBJECT_QPOS][:, :3],
        object_quat=quat,
        object_vel=jnp.concatenate([linear, rotate(quat, angular_body)], axis=1),
    )


def rotate(quat: jax.Array, vector: jax.Array) -> jax.Array:
    """Rotates vectors [N, 3] by unit quaternions wxyz [N, 4]."""
    w, xyz = quat[:, :1], quat[:, 1:]
    t = 2 * jnp.cross(xyz, vector)
    return vector + w * t + jnp.cross(xyz, t)


def select(mask: jax.Array, on_true, on_false):
    """Row-wise choice between two pytrees of arrays [N, ...] by a bool mask [N]."""
    return jax.tree.map(
        lambda a, b: jnp.where(mask.reshape(mask.shape + (1,) * (a.ndim - 1)), a, b), on_true, on_false
    )
