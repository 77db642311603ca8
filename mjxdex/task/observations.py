"""Observation groups: vectors put together from terms by name."""

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import EnvConfig
from mjxdex.task.state import EnvState, View

TERM_SIZES = {
    "joint_pos": 23, "joint_vel": 23, "hand_points": 15, "hand_point_vel": 15, "hand_twist": 30,
    "hand_force": 3, "fingertip_forces": 12, "joint_torque": 23,
    "object_pos": 3, "object_quat": 4, "object_vel": 6, "goal": 3, "object_scale": 1, "last_action": 11,
    "fabric_pos": 23, "fabric_vel": 23, "fabric_acc": 23,
}  # fmt: skip


def layout(terms: tuple[str, ...], num_objects: int) -> list[tuple[str, int]]:
    """Names and sizes of a group's terms, in order; `object_onehot` has one entry per object."""
    return [(term, TERM_SIZES.get(term, num_objects)) for term in terms]


def columns(terms: tuple[str, ...], num_objects: int) -> dict[str, np.ndarray]:
    """Which columns of a group each of its terms has."""
    sizes = layout(terms, num_objects)
    ends = np.cumsum([size for _, size in sizes])
    return {term: np.arange(end - size, end) for (term, size), end in zip(sizes, ends, strict=True)}


def group(
    terms: tuple[str, ...],
    state: EnvState,
    view: View,
    config: EnvConfig,
    num_objects: int,
    velocity_factor: jax.Array | float = 1.0,
) -> jax.Array:
    """Concatenates the named terms into float32 [N, sum of sizes].

    Args:
      terms: Names of TERM_SIZES, or object_onehot.
      state: N envs.
      view: Their true poses and velocities, or what sensors make of them.
      config: The goal.
      num_objects: Objects of the set.
      velocity_factor: Factor, or [N, 1] factors, on joint and fabric velocities and accelerations.
        Velocities of hand points get it twice: they are those of scaled joint velocities, scaled again.

    Units: rad, m, s; torques in N m, forces in N; quaternions wxyz.
    """
    num_envs = state.env_id.shape[0]
    values = {
        "joint_pos": view.joint_pos,
        "joint_vel": velocity_factor * view.joint_vel,
        "hand_points": view.hand_points.reshape(num_envs, 15),
        "hand_point_vel": velocity_factor**2 * view.hand_twist[..., :3].reshape(num_envs, 15),
        "hand_twist": view.hand_twist.reshape(num_envs, 30),
        "hand_force": state.force[:, 0],
        "fingertip_forces": state.force[:, 1:].reshape(num_envs, 12),
        "joint_torque": state.torque,
        "object_pos": view.object_pos,
        "object_quat": view.object_quat,
        "object_vel": view.object_vel,
        "goal": jnp.broadcast_to(jnp.asarray(config.goal_pos, jnp.float32), (num_envs, 3)),
        "object_onehot": jax.nn.one_hot(state.random.params.object_id, num_objects),
        "object_scale": jnp.ones((num_envs, 1)),
        "last_action": state.last_action,
        "fabric_pos": state.fabric.pos,
        "fabric_vel": velocity_factor * state.fabric.vel,
        "fabric_acc": velocity_factor * state.fabric.acc,
    }
    return jnp.concatenate([values[term] for term in terms], axis=1)
