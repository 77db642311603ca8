"""What the policy reads instead of the truth: noise and biases of joints and object."""

import jax
import jax.numpy as jnp

from mjxdex.draws import shares
from mjxdex.physics import PhysicsState
from mjxdex.render import DepthView
from mjxdex.task import streams
from mjxdex.task.randomization import Noise
from mjxdex.task.state import NUM_JOINTS, OBJECT_QPOS, EnvState, Seen, select


def misread(state: EnvState, key: jax.Array) -> PhysicsState:
    """Positions and velocities of N envs as their sensors give them.

    A function of the state alone, so that a resumed run reads what it would have read. Velocity of the object
    is the true one: no policy observation has it.

    Args:
      state: the truth.
      key: the run's stream for the envs.
    Source: published DextrAH task.
    """
    sizes = {"joint_pos": NUM_JOINTS, "joint_vel": NUM_JOINTS, "object_pos": 3, "object_rot": 4}
    random, keys = state.random, _keys(state, key, streams.SENSORS)
    share = jax.vmap(lambda key: shares(key, sizes))(keys)

    def read(true: jax.Array, name: str, noise: Noise) -> jax.Array:
        return true + noise.width[:, None] * (2 * share[name] - 1) + noise.bias[:, None]

    qpos, qvel = state.physics.qpos, state.physics.qvel
    pose = qpos[:, OBJECT_QPOS]
    read_qpos = [
        read(qpos[:, :NUM_JOINTS], "joint_pos", random.joint_pos),
        read(pose[:, :3], "object_pos", random.object_pos),
        read(pose[:, 3:], "object_rot", random.object_rot),
    ]
    joint_vel = read(qvel[:, :NUM_JOINTS], "joint_vel", random.joint_vel)
    return state.physics._replace(
        qpos=jnp.concatenate(read_qpos, axis=1),
        qvel=jnp.concatenate([joint_vel, qvel[:, NUM_JOINTS:]], axis=1),
    )


def look(state: EnvState, before: Seen | None, every: int) -> EnvState:
    """The state with a new image where the camera takes one: every so many control steps of an episode.

    Only the poses are kept. An image is drawn from them again in each step until the next, with the same
    noise, so that a checkpoint needs no images.

    Args:
      state: N envs after a control step, resets included.
      before: What they saw before it; None lets all take an image.
      every: `camera.every`.
    """
    if every == 1:
        return state
    now = Seen(state.physics.qpos, state.age)
    return state._replace(seen=now if before is None else select(state.age % every == 0, now, before))


def seen_qpos(state: EnvState) -> jax.Array:
    """The poses that the depth images of N envs show, float32 [N, 30]."""
    return state.physics.qpos if state.seen is None else state.seen.qpos


def depth_view(state: EnvState, key: jax.Array) -> DepthView:
    """Cameras and noise of the depth images that N envs see now; `key` as in `misread`."""
    if state.seen is not None:
        state = state._replace(age=state.seen.age)
    key_data = jax.random.key_data(_keys(state, key, streams.DEPTH))
    return DepthView(state.random.cameras, state.random.depth_noise, key_data)


def stereo_keys(state: EnvState, key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Keys [N] of this episode's stereo cameras and looks, and of this control step's images; `key` as in
    `misread`."""
    views = streams.keys(key, streams.STEREO, state.env_id, state.episode)
    return views, _keys(state, key, streams.BLUR)


def _keys(state: EnvState, key: jax.Array, stream: int) -> jax.Array:
    return streams.step_keys(streams.keys(key, stream, state.env_id, state.episode), state.age)
