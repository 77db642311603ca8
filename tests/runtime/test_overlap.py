"""Simulating while learning: the next rollout is acted by the parameters of one iteration before."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import ConfigError
from mjxdex.learning import ppo
from mjxdex.runtime.phases import Phases
from mjxdex.runtime.trainer import Trainer, TrainState
from tests.runtime.toy_trainer import build, config

SPLIT = "s0,1-l2"


@pytest.fixture(scope="module")
def made() -> Trainer:
    return build(SPLIT, trajectory="simulator", overlap=True)


def run(made: Trainer, state: TrainState, ahead: list[bool]) -> tuple[TrainState, dict[str, Any]]:
    metrics: dict[str, Any] = {}
    for flag in ahead:
        state, metrics = made.iterate(state, Phases(blocking=False), flag)
    return state, jax.device_get(metrics)


def acted_by(made: Trainer, learner: Any) -> float:
    """Largest difference of the log probabilities in the last rollout to what a learner would give."""
    rollout = jax.device_get(made.rollout)
    mean, _ = jax.jit(made.learner.networks.policy)(
        learner.policy, learner.normalizers.policy, rollout.policy, rollout.depth, rollout.policy_carry,
        rollout.reset,
    )  # fmt: skip
    log_std = learner.policy["log_std"]
    last = ppo.noise_before(rollout.action, mean, log_std, rollout.noise)
    density = ppo.given_noise(mean, log_std, last, rollout.reset, 0.9)
    log_prob = ppo.gaussian_log_prob(rollout.action, *density)
    return float(jnp.abs(log_prob - rollout.log_prob).max())


def test_the_parameters_that_act_are_one_iteration_old(made):
    state = made.init()
    before = jax.device_get(state.learner._replace(key=None))
    state, _ = run(made, state, [True])
    assert acted_by(made, before) < 1e-5
    learned = jax.device_get(state.learner._replace(key=None))
    assert acted_by(made, learned) > 1e-3

    state, _ = run(made, state, [False])
    assert acted_by(made, before) < 1e-5, "this iteration uses the rollout collected ahead"
    state, _ = run(made, state, [True])
    newest = jax.device_get(state.learner._replace(key=None))
    assert acted_by(made, newest) > 1e-4


def test_without_looking_ahead_nothing_lags(made):
    state, metrics = run(made, made.init(), [False, False])
    other = build(SPLIT, trajectory="simulator")
    want, wanted = run(other, other.init(), [False, False])
    assert metrics == wanted
    jax.tree.map(np.testing.assert_array_equal, _arrays(state.learner), _arrays(want.learner))


def test_goes_on_from_a_checkpoint_as_if_never_stopped(made):
    state, _ = run(made, made.init(), [True, False])
    saved = jax.tree.map(jnp.copy, made.to_host(state))
    state, metrics = run(made, state, [True, False])
    want = _arrays(state.learner)
    again, repeated = run(made, made.place(saved), [True, False])
    assert int(again.iteration) == 4 and metrics == repeated
    jax.tree.map(np.testing.assert_array_equal, _arrays(again.learner), want)


@pytest.mark.parametrize(
    ("spec", "settings", "message"),
    [
        ("s0-l1", {"overlap": True}, "overlap needs --runtime.trajectory simulator"),
        ("s0,1-l1", {"overlap": True, "trajectory": "simulator"}, "shares device 1"),
    ],
)
def test_what_cannot_overlap(spec: str, settings: dict[str, Any], message: str):
    with pytest.raises(ConfigError, match=message):
        build(spec, **settings)


def test_in_one_device_there_is_nothing_to_ship():
    made = build("s0-l0", trajectory="simulator")
    assert made.shipment is None and config("s0-l0").runtime.trajectory == "learner"


def _arrays(learner: Any) -> Any:
    return jax.device_get(learner._replace(key=None))
