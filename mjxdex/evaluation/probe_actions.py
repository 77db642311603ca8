"""Actions that bring hands into contact: open to chance, and closing around where the object is."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import EnvConfig
from mjxdex.evaluation import grasp_search
from mjxdex.evaluation.scripted import APPROACH, CLEARANCE, CLOSE, DESCEND, LIFT
from mjxdex.fabric.action import NUM_ACTIONS, target_range
from mjxdex.robot.rotations import euler_zyx_to_matrix
from mjxdex.task.state import OBJECT_QPOS, EnvState

CYCLE = APPROACH + DESCEND + CLOSE + LIFT
"""Control steps of one try to grasp."""
KEYFRAME = 30
"""Control steps between two targets of a smooth walk."""

Actions = Callable[[EnvState, EnvConfig, jax.Array], jax.Array]
"""Actions float32 [N, 11] from the true state of N envs, the task's settings and a key."""


def noise(state: EnvState, config: EnvConfig, key: jax.Array) -> jax.Array:
    """Uniform numbers, new in every step, as a policy without training acts."""
    return _uniform(key, state, state.age)


def walk(state: EnvState, config: EnvConfig, key: jax.Array) -> jax.Array:
    """Smooth motion between uniform targets, half a second each."""
    count = state.age // KEYFRAME
    share = (state.age % KEYFRAME / KEYFRAME)[:, None]
    share = share * share * (3 - 2 * share)
    return (1 - share) * _uniform(key, state, count) + share * _uniform(key, state, count + 1)


def grasp(state: EnvState, config: EnvConfig, key: jax.Array) -> jax.Array:
    """Follows the object from above, comes down, closes, lifts to the goal; then again with another grasp.

    Where the object is in the hand, and how the hand turns, opens and closes, is drawn from the ranges of
    `grasp_search`. Fingers may hit the object, squeeze it against the table or close on nothing, as wanted.
    """
    drawn = 0.5 + 0.5 * _uniform(key, state, state.age // CYCLE, len(grasp_search.LOWER))
    drawn = grasp_search.LOWER + drawn * (grasp_search.UPPER - grasp_search.LOWER)
    in_palm, euler, opened, closed = jnp.split(drawn, (3, 6, 11), axis=1)
    euler = jnp.deg2rad(euler)
    to_palm = -jax.vmap(jnp.matmul)(jax.vmap(euler_zyx_to_matrix)(euler), in_palm)

    begins = np.cumsum([APPROACH, DESCEND, CLOSE])
    done = ((state.age % CYCLE)[:, None] - begins) / np.array([DESCEND, CLOSE, LIFT])
    down, close, lift = jnp.clip(done, 0, 1).T[..., None]
    above = (1 - down) * jnp.array([0, 0, CLEARANCE])
    object_pos = state.physics.qpos[:, OBJECT_QPOS][:, :3]
    held = object_pos + jnp.where(lift > 0, lift * (jnp.asarray(config.goal_pos) - object_pos), 0)
    target = [held + to_palm + above, euler, opened + close * (closed - opened)]
    lower, upper = target_range(config.max_pose_angle_deg)
    return jnp.clip(2 * (jnp.concatenate(target, axis=1) - lower) / (upper - lower) - 1, -1, 1)


POLICIES: dict[str, Actions] = {"noise": noise, "walk": walk, "grasp": grasp}


def _uniform(key: jax.Array, state: EnvState, count: jax.Array, size: int = NUM_ACTIONS) -> jax.Array:
    """Numbers in [-1, 1) for the `count`-th draw (int32 [N]) of each env's episode, float32 [N, size]."""

    def one(*numbers: jax.Array) -> jax.Array:
        folded = key
        for number in numbers:
            folded = jax.random.fold_in(folded, number)
        return jax.random.uniform(folded, (size,), minval=-1.0)

    return jax.vmap(one)(state.env_id, state.episode, count)
