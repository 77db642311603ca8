"""The four reward terms of grasp and lift."""

import jax
import jax.numpy as jnp

from mjxdex.config import Config
from mjxdex.robot.tables import CURLED_HAND
from mjxdex.task.adr import value
from mjxdex.task.state import View


def reward_terms(view: View, config: Config, level: jax.Array) -> dict[str, jax.Array]:
    """Reward of N envs, term by term.

    Args:
      view: Positions of hand and object.
      config: Goal position, weights and sharpnesses.
      level: int32 [], the ADR level.
    Returns: float32 [N] arrays; their sum is the reward.
    Source: published DextrAH task.
    """
    reward, ranges = config.reward, config.adr
    goal = jnp.asarray(config.env.goal_pos, jnp.float32)
    hand_distance = jnp.linalg.norm(view.hand_points - view.object_pos[:, None], axis=2).max(axis=1)
    goal_distance = jnp.linalg.norm(view.object_pos - goal, axis=1)
    height_error = jnp.abs(goal[2] - view.object_pos[:, 2])
    curl = jnp.square(view.joint_pos[:, 7:] - jnp.asarray(CURLED_HAND, jnp.float32)).sum(axis=1)
    goal_sharpness = value(ranges.object_to_goal_sharpness, level)
    return {
        "hand_to_object": reward.hand_to_object_weight
        * jnp.exp(-reward.hand_to_object_sharpness * hand_distance),
        "object_to_goal": reward.object_to_goal_weight * jnp.exp(-goal_sharpness * goal_distance),
        "finger_curl": value(ranges.finger_curl_weight, level) * curl,
        "lift": value(ranges.lift_weight, level) * jnp.exp(-reward.lift_sharpness * height_error),
    }
