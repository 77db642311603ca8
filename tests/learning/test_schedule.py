"""Step sizes of the policy."""

import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import PpoConfig
from mjxdex.learning.schedule import SMALLEST, first_step_size, next_step_size


def test_linear_does_not_depend_on_what_was():
    config = PpoConfig(learning_rate=1e-3, final_learning_rate=1e-4, decay_iterations=10)
    assert float(first_step_size(config)) == pytest.approx(1e-3)
    for iteration, want in ((0, 1e-3), (5, 5.5e-4), (10, 1e-4), (99, 1e-4)):
        found = next_step_size(config, jnp.float32(7.0), jnp.int32(iteration), jnp.float32(9.0))
        assert float(found) == pytest.approx(want)


@pytest.mark.parametrize(("kl", "factor"), [(0.0019, 1.5), (0.0021, 1), (0.0079, 1), (0.0081, 1 / 1.5)])
def test_adaptive_follows_the_divergence(kl, factor):
    config = PpoConfig(schedule="adaptive", target_kl=0.004)
    found = next_step_size(config, jnp.float32(2e-4), jnp.int32(3), jnp.float32(kl))
    np.testing.assert_allclose(found, 2e-4 * factor, rtol=1e-5)


def test_adaptive_stays_within_its_bounds():
    config = PpoConfig(schedule="adaptive", max_learning_rate=3e-4)
    for kl, bound in ((0.0, 3e-4), (1.0, SMALLEST)):
        step = first_step_size(config)
        for iteration in range(40):
            step = next_step_size(config, step, jnp.int32(iteration), jnp.float32(kl))
        np.testing.assert_allclose(step, bound, rtol=1e-5)
