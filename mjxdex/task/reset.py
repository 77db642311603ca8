"""How an episode starts."""

import jax
import jax.numpy as jnp

from mjxdex.fabric import FabricState
from mjxdex.physics import PhysicsState
from mjxdex.robot.tables import LOWER, RESET_POS, UPPER
from mjxdex.task import adr
from mjxdex.task.state import NUM_JOINTS, EnvState

SPAWN_CENTRE = (-0.55, 0.1, 0.5)
"""The object is dropped from here, 0.25 m above the table top, metres."""
SPAWN_WIDTH = (0.5, 0.8)
"""Full width of the spawn rectangle in x and y at the highest ADR level, metres."""
JOINT_POS_NOISE = 0.35
"""Half range of the joint positions around the reset pose at the highest ADR level, rad."""
JOINT_VEL_NOISE = 1.0
"""Half range of the joint velocities at the highest ADR level, rad/s."""


def fresh(env_id: jax.Array, episode: jax.Array, key: jax.Array, level: jax.Array) -> EnvState:
    """States of N envs at the start of the given episodes.

    The randomness of an episode depends on the key, the env's global index and the episode alone, so that
    the split of the envs over devices does not change it.

    Args:
      env_id, episode: int32 [N].
      key: The run's reset stream.
      level: int32 [], the ADR level.
    Source: published DextrAH task.
    """
    return jax.vmap(_fresh_one, in_axes=(0, 0, None, None))(env_id, episode, key, level)


def _fresh_one(env_id: jax.Array, episode: jax.Array, key: jax.Array, level: jax.Array) -> EnvState:
    key = jax.random.fold_in(jax.random.fold_in(key, env_id), episode)
    key_xy, key_rot, key_pos, key_vel = jax.random.split(key, 4)
    share = adr.interpolate(0.0, 1.0, level)

    xy = share * jnp.asarray(SPAWN_WIDTH) * jax.random.uniform(key_xy, (2,), minval=-0.5, maxval=0.5)
    object_pos = jnp.asarray(SPAWN_CENTRE) + jnp.append(xy, 0.0)
    half = 0.5 * jnp.pi * share * jax.random.uniform(key_rot, (2,), minval=-1.0, maxval=1.0)
    (cx, cy), (sx, sy) = jnp.cos(half), jnp.sin(half)
    object_quat = jnp.stack([cx * cy, sx * cy, cx * sy, sx * sy])

    noise = jax.random.uniform(key_pos, (NUM_JOINTS,), minval=-1.0, maxval=1.0)
    joint_pos = jnp.clip(
        jnp.asarray(RESET_POS) + share * JOINT_POS_NOISE * noise, jnp.asarray(LOWER), jnp.asarray(UPPER)
    ).astype(jnp.float32)
    joint_vel = share * JOINT_VEL_NOISE * jax.random.uniform(key_vel, (NUM_JOINTS,), minval=-1.0, maxval=1.0)
    qvel = jnp.concatenate([joint_vel, jnp.zeros(6)])
    return EnvState(
        env_id=env_id,
        episode=episode,
        age=jnp.zeros((), jnp.int32),
        physics=PhysicsState(
            qpos=jnp.concatenate([joint_pos, object_pos, object_quat]),
            qvel=qvel,
            qacc_warmstart=jnp.zeros_like(qvel),
        ),
        fabric=FabricState(pos=joint_pos, vel=joint_vel, acc=jnp.zeros(NUM_JOINTS)),
        torque=jnp.zeros(NUM_JOINTS),
        last_action=jnp.zeros(11),
    )
