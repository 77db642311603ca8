"""How an episode starts."""

import jax
import jax.numpy as jnp

from mjxdex.config import AdrConfig
from mjxdex.draws import shares
from mjxdex.fabric import FabricState
from mjxdex.physics import PhysicsState
from mjxdex.robot.tables import LOWER, RESET_POS, UPPER
from mjxdex.task import streams
from mjxdex.task.adr import value
from mjxdex.task.places import SPAWN_CENTRE
from mjxdex.task.randomization import draw
from mjxdex.task.state import NUM_JOINTS, EnvState


def fresh(
    config: AdrConfig,
    num_objects: int,
    env_id: jax.Array,
    episode: jax.Array,
    key: jax.Array,
    level: jax.Array,
) -> EnvState:
    """States of N envs at the start of the given episodes.

    Args:
      config: ranges of what is randomized.
      num_objects: env i holds object i modulo this.
      env_id, episode: int32 [N].
      key: the run's stream for the envs.
      level: int32 [], the ADR level.
    Source: published DextrAH task.
    """

    def one(env_id, episode, start_key, *random_keys) -> EnvState:
        qpos, qvel = _start(config, start_key, level)
        joints = slice(NUM_JOINTS)
        return EnvState(
            env_id=env_id,
            episode=episode,
            age=jnp.zeros((), jnp.int32),
            random=draw(config, env_id % num_objects, level, *random_keys),
            physics=PhysicsState(qpos, qvel, qacc_warmstart=jnp.zeros_like(qvel)),
            fabric=FabricState(qpos[joints], qvel[joints], acc=jnp.zeros(NUM_JOINTS)),
            torque=jnp.zeros(NUM_JOINTS),
            force=jnp.zeros((5, 3)),
            last_action=jnp.zeros(11),
            held=jnp.zeros((), jnp.int32),
        )

    keys = [
        streams.keys(key, stream, env_id, episode)
        for stream in (streams.START, streams.PARAMETERS, streams.CAMERA)
    ]
    return jax.vmap(one)(env_id, episode, *keys)


def _start(config: AdrConfig, key: jax.Array, level: jax.Array) -> tuple[jax.Array, jax.Array]:
    """qpos [30] and qvel [29] of one env."""
    sizes = {"x": 1, "y": 1, "turn": 2, "joint_pos": NUM_JOINTS, "joint_vel": NUM_JOINTS}
    spread = {name: 2 * share - 1 for name, share in shares(key, sizes).items()}

    x = 0.5 * value(config.spawn_width_x, level) * spread["x"]
    y = 0.5 * value(config.spawn_width_y, level) * spread["y"]
    object_pos = jnp.asarray(SPAWN_CENTRE) + jnp.concatenate([x, y, jnp.zeros(1)])
    half = 0.5 * jnp.pi * value(config.spawn_rotation, level) * spread["turn"]
    (cx, cy), (sx, sy) = jnp.cos(half), jnp.sin(half)
    object_quat = jnp.stack([cx * cy, sx * cy, cx * sy, sx * sy])

    joint_pos = jnp.asarray(RESET_POS) + value(config.joint_pos_spawn, level) * spread["joint_pos"]
    joint_pos = jnp.clip(joint_pos, jnp.asarray(LOWER), jnp.asarray(UPPER)).astype(jnp.float32)
    joint_vel = value(config.joint_vel_spawn, level) * spread["joint_vel"]
    qpos = jnp.concatenate([joint_pos, object_pos, object_quat])
    return qpos, jnp.concatenate([joint_vel, jnp.zeros(6)])
