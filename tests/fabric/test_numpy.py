"""The same source on NumPy arrays follows the fabric that the policy was trained with."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex import fabric
from mjxdex.fabric.action import targets
from mjxdex.robot import kinematics
from mjxdex.robot.tables import LOWER, RESET_POS, UPPER

SECONDS = 5
LIMITS = {jnp.float64: 1e-11, jnp.float32: 5e-3}
"""rad; JAX's rounding in float32 takes it up to 3e-5 from the double-precision fabric on one kind of
processor, and for a moment up to 6e-4 on another."""


def advance(state, action):
    """One control step of the task: two fabric steps."""
    palm_pos, palm_euler, pca = targets(action, 45.0)
    for _ in range(2):
        state = fabric.step(state, (palm_pos, palm_euler), pca, 10.0, timestep=1 / 60, curvature_factor=1.0)
    return state


@pytest.mark.parametrize("dtype", LIMITS)
@pytest.mark.parametrize("seed", [0, 1])
def test_rollout_follows_the_jax_fabric(seed, dtype):
    """Five seconds of targets that jump twice a second, some of them inside table and walls."""
    rng = np.random.default_rng(seed)
    actions = np.repeat(rng.uniform(-1, 1, (2 * SECONDS, 11)), 30, axis=0)
    state = fabric.FabricState(RESET_POS, 0 * RESET_POS, 0 * RESET_POS)
    jax.clear_caches()  # of constants in float32 that an env in the same process left to these functions
    advance_jax = jax.jit(advance)
    worst = moved = 0.0
    with jax.enable_x64(dtype == jnp.float64):
        state_jax = fabric.FabricState(*(jnp.asarray(leaf) for leaf in state))
        for action in actions:
            state, state_jax = advance(state, action), advance_jax(state_jax, jnp.asarray(action))
            worst = max(worst, np.abs(state.pos - state_jax.pos).max())
            moved = max(moved, np.abs(state.pos - RESET_POS).max())
    assert state_jax.pos.dtype == dtype
    assert all(isinstance(leaf, np.ndarray) and leaf.dtype == np.float64 for leaf in state)
    assert moved > 0.5
    assert worst < LIMITS[dtype]


def test_hand_points_and_their_velocities_are_those_of_jax():
    rng = np.random.default_rng(2)
    for _ in range(5):
        pos, vel = rng.uniform(LOWER, UPPER), rng.normal(size=23)
        points, twists = kinematics.hand_twists(pos, vel)
        points_jax, twists_jax = kinematics.hand_twists(jnp.asarray(pos), jnp.asarray(vel))
        np.testing.assert_allclose(points, points_jax, atol=2e-6)
        np.testing.assert_allclose(twists, twists_jax, atol=1e-5)
