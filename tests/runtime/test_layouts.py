"""The split of the devices decides where things run, not what comes out."""

import jax
import numpy as np
import pytest

from mjxdex import config_files
from mjxdex.runtime import topology
from mjxdex.runtime.phases import Phases
from mjxdex.runtime.trainer import Trainer

TINY = {
    "env.num_envs": "12",
    "ppo.horizon": "4",
    "ppo.minibatches": "1",
    "ppo.epochs": "1",
}


def one_iteration(spec: str):
    """State on the host, rollout and metrics after one iteration on a layout."""
    config = config_files.load("smoke", {**TINY, "runtime.topology": spec})
    trainer = Trainer(config, topology.choose(config))
    state, metrics = trainer.iterate(trainer.init(), Phases(blocking=False))
    leaves = jax.tree.map(_bits, trainer.to_host(state)._asdict())
    return leaves, jax.tree.map(_bits, trainer.rollout._asdict()), jax.device_get(metrics)


def _bits(leaf):
    if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    return np.asarray(leaf)


@pytest.fixture(scope="module")
def shared_device():
    return one_iteration("s0-l0")


@pytest.mark.slow
def test_a_learner_of_its_own_gives_the_same_bits(shared_device):
    state, rollout, metrics = one_iteration("s0-l1")
    for mine, other in zip(jax.tree.leaves(state), jax.tree.leaves(shared_device[0]), strict=True):
        np.testing.assert_array_equal(mine, other)
    for mine, other in zip(jax.tree.leaves(rollout), jax.tree.leaves(shared_device[1]), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert metrics == shared_device[2]


@pytest.mark.parametrize("spec", ["s0,1,2-l3", pytest.param("dp0,1,2", marks=pytest.mark.slow)])
def test_three_simulators_give_the_same_first_rollout(shared_device, spec):
    _, rollout, _ = one_iteration(spec)
    whole = shared_device[1]
    assert np.asarray(whole["depth"]).any() and np.ptp(whole["reward"]) > 0
    for name in ("policy", "critic", "action", "reward", "value", "log_prob"):
        # The critic sees accelerations of the fabric, up to 20 rad/s^2.
        np.testing.assert_allclose(rollout[name], whole[name], rtol=1e-4, atol=1e-4, err_msg=name)
    for name in ("reset", "terminated", "truncated"):
        np.testing.assert_array_equal(rollout[name], whole[name], err_msg=name)
    np.testing.assert_allclose(rollout["depth"].astype(float), whole["depth"], atol=2)
