"""MuJoCo C in place of MuJoCo Warp; what both engines have to do is tested with the worlds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import ConfigError
from mjxdex.physics import Worlds, nominal
from tests.physics.conftest import NUM_ENVS, engine
from tests.physics.test_stepper import NO_PUSH, play, start, targets

PARAMS = nominal(jnp.arange(NUM_ENVS))


def test_both_engines_move_alike(step, c_step):
    """The arm swings and objects fall for half a second. The thumb touches the palm on the way, where the
    engines find different contacts, which shakes the hand a little."""
    ends = []
    for made in (step, c_step):
        state = start(1.3)
        for i in range(30):
            state, reading = made(state, targets(i), PARAMS, NO_PUSH)
        ends.append((state, reading))
    (warp, of_warp), (c, of_c) = ends
    no_hand = np.r_[:7, 23:29]
    np.testing.assert_allclose(c.qpos[:, no_hand], warp.qpos[:, no_hand], atol=2e-4)
    np.testing.assert_allclose(c.qpos[:, 7:23], warp.qpos[:, 7:23], atol=0.02)
    np.testing.assert_allclose(c.qvel[:, no_hand], warp.qvel[:, no_hand], atol=5e-3)
    np.testing.assert_allclose(of_c.torque[:, :7], of_warp.torque[:, :7], atol=0.5)


def test_parameters_change_what_they_change_in_warp(step, c_step):
    """Each parameter moves a world away from the nominal one, by as much in both engines."""
    factors = np.linspace(0.5, 2, NUM_ENVS, dtype=np.float32)
    ones, friction = jnp.ones((NUM_ENVS, 23)), jnp.where(jnp.arange(23) < 7, 1.0, 0.01)
    changes = {
        "object_mass": factors,
        "stiffness": factors[:, None] * ones,
        "damping": factors[:, None] * ones,
        "joint_friction": factors[:, None] * friction,
    }
    push = NO_PUSH.at[:, 0].set(1.0)
    for name, value in changes.items():
        ends = []
        for made in (step, c_step):
            for params in (PARAMS, PARAMS._replace(**{name: jnp.asarray(value)})):
                state = start(1.0)
                for i in range(10):
                    state, _ = made(state, targets(i), params, push)
                ends.append(np.asarray(state.qpos))
        plain, changed, plain_c, changed_c = ends
        # Joints that dry friction holds, as those behind the fifth, the engines leave at other places.
        columns, atol = (np.s_[:, :5], 5e-4) if name == "joint_friction" else (np.s_[:], 1e-4)
        assert np.abs(changed - plain)[columns].max() > 8 * atol, name
        np.testing.assert_allclose(
            (changed_c - plain_c)[columns], (changed - plain)[columns], atol=atol, err_msg=name
        )


def test_a_world_that_diverges_leaves_the_others_and_its_next_episode_alone(c_step):
    want = play(c_step, start(0.02), PARAMS, range(3))
    broken = start(0.02)
    broken = broken._replace(qvel=broken.qvel.at[4].set(jnp.nan))
    found = play(c_step, broken, PARAMS, range(3))
    others = np.arange(NUM_ENVS) != 4
    assert np.isnan(found[0][4]).any()
    for expected, actual in zip(want, found, strict=True):
        np.testing.assert_array_equal(actual[others], expected[others])
    for expected, actual in zip(want, play(c_step, start(0.02), PARAMS, range(3)), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_a_gpu_is_refused(primitives, model, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with pytest.raises(ConfigError, match="physics.engine c .* CPU"):
        Worlds(engine("c"), model, primitives, NUM_ENVS)
