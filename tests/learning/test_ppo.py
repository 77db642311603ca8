"""The losses worked out by hand."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.learning import ppo


def test_log_prob_and_entropy_of_a_gaussian():
    log_std = jnp.log(jnp.array([2.0, 0.5]))
    got = ppo.gaussian_log_prob(jnp.array([[3.0, 1.0]]), jnp.array([[1.0, 1.0]]), log_std)
    want = -0.5 - math.log(2.0) - math.log(0.5) - math.log(2 * math.pi)
    np.testing.assert_allclose(got, [want], rtol=1e-6)
    np.testing.assert_allclose(ppo.gaussian_entropy(log_std), math.log(2 * math.pi * math.e), rtol=1e-6)


@pytest.mark.parametrize(
    ("ratio", "adv", "loss", "clipped"),
    [
        (1.5, 2.0, -2.4, 1.0),  # a gain counts up to 1.2
        (1.5, -2.0, 3.0, 1.0),  # a loss counts in full
        (0.5, 2.0, -1.0, 1.0),
        (0.5, -2.0, 1.6, 1.0),
        (1.1, 2.0, -2.2, 0.0),
    ],
)
def test_policy_loss_is_pessimistic(ratio, adv, loss, clipped):
    got, metrics = ppo.policy_loss(jnp.log(jnp.array([ratio])), jnp.zeros(1), jnp.array([adv]), clip=0.2)
    np.testing.assert_allclose(got, loss, rtol=1e-5)
    assert float(metrics["clip_fraction"]) == clipped
    np.testing.assert_allclose(metrics["approx_kl"], ratio - 1 - math.log(ratio), atol=1e-6)


def test_only_what_lies_out_of_range_counts():
    mean = jnp.array([[0.5, -1.0, 1.5], [-3.0, 0.0, 1.1]])
    loss, share = ppo.out_of_range(mean)
    np.testing.assert_allclose(loss, (0.25 + 4 + 0.01) / 2, rtol=1e-5)
    np.testing.assert_allclose(share, 3 / 6, rtol=1e-6)


def test_value_loss_takes_the_worse_of_clipped_and_not():
    value, old, target = jnp.array([1.0, 1.0]), jnp.array([0.0, 0.0]), jnp.array([2.0, 0.0])
    # (1 - 2)² = 1 against (0.2 - 2)² = 3.24;  (1 - 0)² = 1 against 0.2² = 0.04
    np.testing.assert_allclose(ppo.value_loss(value, old, target, clip=0.2), 0.5 * (3.24 + 1) / 2, rtol=1e-6)
    np.testing.assert_allclose(ppo.value_loss(value, old, target, clip=None), 0.5, rtol=1e-6)
