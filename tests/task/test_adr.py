import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import AdrConfig, Config, EnvConfig, ObservationConfig, PhysicsConfig
from mjxdex.runtime.sims import Simulators
from mjxdex.task import adr
from mjxdex.task.env import Command

CONFIG = AdrConfig(max_level=2, success_threshold=0.4, min_resets=3)


def step(state, success, done):
    return adr.update(CONFIG, state, jnp.array(success), jnp.array(done))


def at(level, resets):
    return adr.AdrState(jnp.int32(level), jnp.int32(resets))


def test_steps_without_a_reset_change_nothing():
    assert step(at(0, 3), [True] * 4, [False] * 4) == at(0, 3)


def test_level_rises_after_enough_resets_with_enough_success():
    state = at(0, 0)
    for resets in (1, 2, 3):
        state = step(state, [True, True, True, False], [False, False, False, True])
        assert state == at(0, resets)
    assert step(state, [True, True, True, False], [False, False, False, True]) == at(1, 0)


def test_threshold_is_exclusive_and_resetting_envs_do_not_count():
    two_of_five = [True, True, False, False, False]
    assert step(at(0, 3), two_of_five, [False] * 4 + [True]) == at(0, 4)
    assert step(at(0, 3), [True, True, True, False, False], [True, False, False, False, False]) == at(0, 4)
    assert step(at(0, 3), [True, True, True, False, False], [False] * 4 + [True]) == at(1, 0)


def test_level_stops_at_its_highest():
    assert step(at(2, 9), [True] * 4, [False] * 3 + [True]) == at(2, 10)


@pytest.mark.parametrize(("level", "expected"), [(0, 5.0), (25, 2.5), (50, 0.0)])
def test_a_value_is_linear_in_the_level(level, expected):
    assert adr.value((5.0, 0.0), jnp.int32(level)) == pytest.approx(expected)


@pytest.mark.parametrize(("level", "low", "high"), [(0, 1.0, 1.0), (25, 0.75, 2.0), (50, 0.5, 3.0)])
def test_a_range_opens_with_the_level(level, low, high):
    drawn = adr.sample((1.0, 1.0, 0.5, 3.0), jnp.int32(level), jnp.linspace(0, 1, 101))
    assert drawn.min() == pytest.approx(low, abs=1e-6) and drawn.max() == pytest.approx(high, abs=1e-6)


def test_a_run_may_start_at_a_higher_level():
    assert adr.init(AdrConfig(start_level=50)).level == 50


def test_below_level_0_the_level_rises_after_fewer_resets_and_nothing_is_randomized():
    config = AdrConfig(start_level=-10, min_resets=3000, light_min_resets=1)
    state = adr.init(config)
    rises = []
    for _ in range(24):
        state = adr.update(config, state, jnp.array([True, True]), jnp.array([True, False]))
        rises.append(int(state.level))
    assert rises[:4] == [-10, -9, -9, -8] and rises[-6:] == [-1, 0, 0, 0, 0, 0]
    assert adr.value((5.0, 0.0), jnp.int32(-10)) == 5.0


@pytest.mark.parametrize(("level", "share"), [(-10, 0.1), (-5, 0.55), (0, 1.0), (50, 1.0)])
def test_weight_is_linear_below_level_0(level, share):
    assert adr.light_value(AdrConfig().weight, jnp.int32(level)) == pytest.approx(share)


@pytest.mark.parametrize(("engine", "level", "share"), [("warp", -10, 0.1), ("c", -5, 0.55), ("warp", 0, 1)])
def test_objects_fall_by_their_share_of_gravity(engine, level, share):
    config = Config(
        env=EnvConfig(num_envs=4, spread_first_episodes=False),
        observation=ObservationConfig(depth=False),
        physics=PhysicsConfig(engine=engine),
    )
    sims = Simulators(config, [jax.local_devices()[0]])
    command = Command(jnp.zeros((1, 4, 11)), jnp.full(1, level, jnp.int32))
    state = sims.step(sims.init(), command)[0]
    velocity = np.asarray(state.physics.qvel)[0, :, 23:26]
    np.testing.assert_allclose(velocity[:, 2], -9.81 * share / 60, rtol=1e-4)
    np.testing.assert_allclose(velocity[:, :2], 0, atol=1e-6)
