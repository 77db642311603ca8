"""Random forces on the object while the hand is near it."""

import jax
import jax.numpy as jnp

from mjxdex.robot import kinematics
from mjxdex.task import streams
from mjxdex.task.state import NUM_JOINTS, OBJECT_QPOS, EnvState, rotate

REACH = 0.3
"""The object is disturbed while no hand point is farther from it, metres."""
LEVER = 0.01
"""Torque per force, metres."""
PERIOD = 60
"""Control steps for which a disturbance stays the same."""


def wrench(state: EnvState, object_mass: jax.Array, max_acceleration: jax.Array, key: jax.Array) -> jax.Array:
    """Force (N) and torque (N m) on the objects of N envs, float32 [N, 6], world frame.

    Size and directions are drawn once a second; the directions turn with the object.

    Args:
      state: N envs.
      object_mass: float32 [N], kg.
      max_acceleration: float32 [], m/s^2.
      key: the run's stream for the envs.
    Source: published DextrAH task.
    """
    keys = streams.keys(key, streams.DISTURBANCE, state.env_id, state.episode)
    keys = streams.step_keys(keys, state.age // PERIOD)
    share, *sides = jax.vmap(lambda key: jax.random.uniform(key, (5,)))(keys).T
    directions = [_on_sphere(*sides[:2]), _on_sphere(*sides[2:])]

    pose = state.physics.qpos[:, OBJECT_QPOS]
    hand_points = jax.vmap(kinematics.hand_points)(state.physics.qpos[:, :NUM_JOINTS])
    distance = jnp.linalg.norm(hand_points - pose[:, None, :3], axis=2).max(axis=1)
    size = jnp.where(distance <= REACH, object_mass * share * max_acceleration, 0.0)[:, None]
    force, torque = (rotate(pose[:, 3:], direction) for direction in directions)
    return jnp.concatenate([size * force, size * LEVER * torque], axis=1)


def _on_sphere(a: jax.Array, b: jax.Array) -> jax.Array:
    """Uniform directions [N, 3] from uniform numbers [N] in [0, 1)."""
    z, angle = 2 * a - 1, 2 * jnp.pi * b
    radius = jnp.sqrt(1 - z**2)
    return jnp.stack([radius * jnp.cos(angle), radius * jnp.sin(angle), z], axis=1)
