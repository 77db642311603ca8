"""Observation groups: vectors put together from terms by name."""

import jax
import jax.numpy as jnp

from mjxdex.config import EnvConfig
from mjxdex.task.state import EnvState, View

VELOCITY_TERMS = ("joint_vel", "hand_point_vel", "fabric_vel", "fabric_acc", "object_vel")
TERM_SIZES = {
    "joint_pos": 23, "joint_vel": 23, "hand_points": 15, "hand_point_vel": 15, "goal": 3, "last_action": 11,
    "fabric_pos": 23, "fabric_vel": 23, "fabric_acc": 23, "joint_torque": 23,
    "object_pos": 3, "object_quat": 4, "object_vel": 6,
}  # fmt: skip


def layout(terms: tuple[str, ...], num_objects: int) -> list[tuple[str, int]]:
    """Names and sizes of a group's terms, in order; `object_onehot` has one entry per object."""
    return [(term, TERM_SIZES.get(term, num_objects)) for term in terms]


def group(
    terms: tuple[str, ...],
    state: EnvState,
    view: View,
    config: EnvConfig,
    num_objects: int,
    velocity_scale: float = 1.0,
) -> jax.Array:
    """Concatenates the named terms into float32 [N, sum of sizes].

    Velocity terms are multiplied by `velocity_scale`. Units: rad, m, s; torques in N m; quaternions wxyz.
    """
    num_envs = state.env_id.shape[0]
    values = {
        "joint_pos": view.joint_pos,
        "joint_vel": view.joint_vel,
        "hand_points": view.hand_points.reshape(num_envs, 15),
        "hand_point_vel": view.hand_point_vel.reshape(num_envs, 15),
        "goal": jnp.broadcast_to(jnp.asarray(config.goal_pos, jnp.float32), (num_envs, 3)),
        "last_action": state.last_action,
        "fabric_pos": state.fabric.pos,
        "fabric_vel": state.fabric.vel,
        "fabric_acc": state.fabric.acc,
        "joint_torque": state.torque,
        "object_pos": view.object_pos,
        "object_quat": view.object_quat,
        "object_vel": view.object_vel,
        "object_onehot": jax.nn.one_hot(state.env_id % num_objects, num_objects),
    }
    scaled = [values[term] * velocity_scale if term in VELOCITY_TERMS else values[term] for term in terms]
    return jnp.concatenate(scaled, axis=1)
