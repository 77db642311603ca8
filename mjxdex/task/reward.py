"""The reward terms of grasp and lift."""

import jax
import jax.numpy as jnp

from mjxdex.config import Config
from mjxdex.robot.tables import CURLED_HAND, FINGERS
from mjxdex.task.adr import light_value, value
from mjxdex.task.state import View

THUMB = FINGERS.index("thumb")


def reward_terms(
    view: View, grip: jax.Array | None, config: Config, level: jax.Array
) -> dict[str, jax.Array]:
    """Reward of N envs, term by term.

    Args:
      view: Positions of hand and object.
      grip: float32 [N, 4, 3], force of each finger on the object, N; None leaves the term for it out.
      config: Goal position, weights and sharpnesses.
      level: int32 [], the ADR level.
    Returns: float32 [N] arrays; their sum is the reward.
    Source: published DextrAH task; the grip is not in it.
    """
    reward, ranges = config.reward, config.adr
    goal = jnp.asarray(config.env.goal_pos, jnp.float32)
    hand_distance = jnp.linalg.norm(view.hand_points - view.object_pos[:, None], axis=2).max(axis=1)
    goal_distance = jnp.linalg.norm(view.object_pos - goal, axis=1)
    height_error = jnp.abs(goal[2] - view.object_pos[:, 2])
    curl = jnp.square(view.joint_pos[:, 7:] - jnp.asarray(CURLED_HAND, jnp.float32)).sum(axis=1)
    goal_sharpness = value(ranges.object_to_goal_sharpness, level)
    terms = {
        "hand_to_object": reward.hand_to_object_weight
        * jnp.exp(-reward.hand_to_object_sharpness * hand_distance),
        "object_to_goal": reward.object_to_goal_weight * jnp.exp(-goal_sharpness * goal_distance),
        "finger_curl": value(ranges.finger_curl_weight, level) * curl,
        "lift": value(ranges.lift_weight, level) * jnp.exp(-reward.lift_sharpness * height_error),
    }
    if grip is not None:
        against = -(jnp.delete(grip, THUMB, axis=1) * grip[:, None, THUMB]).sum(axis=2).min(axis=1)
        squeeze = jnp.sqrt(jnp.maximum(against, 0.0))
        terms["grip"] = light_value(ranges.grip_weight, level) * jnp.minimum(squeeze / reward.grip_force, 1.0)
    return terms
