"""Advantages worked out by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.learning.gae import gae

R = jnp.array([1.0, 2.0, 3.0])[:, None]
V = jnp.array([0.5, 0.4, 0.3])[:, None]
V_LAST, V_FINAL = jnp.array([0.2]), jnp.array([9.0, 7.0, 9.0])[:, None]
NEVER = jnp.zeros((3, 1), bool)
IN_THE_MIDDLE = NEVER.at[1].set(True)
# discount 0.5, lam 0.5: the third step gives 3 + 0.5 * 0.2 - 0.3 = 2.8 whatever happened before.


def advantages(terminated=NEVER, truncated=NEVER, **switch):
    run = jax.jit(lambda *a: gae(*a, discount=0.5, lam=0.5, **switch))
    return np.asarray(run(R, V, V_LAST, V_FINAL, terminated, truncated))[:, 0]


def test_one_long_episode():
    # 2 + 0.5 * 0.3 - 0.4 = 1.75, + 0.25 * 2.8;  1 + 0.5 * 0.4 - 0.5 = 0.7, + 0.25 * 2.45
    np.testing.assert_allclose(advantages(), [1.3125, 2.45, 2.8], rtol=1e-6)


def test_termination_bootstraps_nothing():
    # 2 - 0.4 = 1.6;  0.7 + 0.25 * 1.6
    np.testing.assert_allclose(advantages(terminated=IN_THE_MIDDLE), [1.1, 1.6, 2.8], rtol=1e-6)


def test_time_limit_bootstraps_the_observation_before_the_reset():
    # 2 + 0.5 * 7 - 0.4 = 5.1;  0.7 + 0.25 * 5.1
    np.testing.assert_allclose(advantages(truncated=IN_THE_MIDDLE), [1.975, 5.1, 2.8], rtol=1e-6)


def test_time_limit_as_termination():
    switched = advantages(truncated=IN_THE_MIDDLE, bootstrap_time_limits=False)
    np.testing.assert_array_equal(switched, advantages(terminated=IN_THE_MIDDLE))


@pytest.mark.parametrize(("bootstrap", "last"), [(True, 3 + 0.5 * 9 - 0.3), (False, 3 - 0.3)])
def test_time_limit_at_the_last_step_ignores_the_next_episode(bootstrap, last):
    at_the_end = NEVER.at[2].set(True)
    got = advantages(truncated=at_the_end, bootstrap_time_limits=bootstrap)
    np.testing.assert_allclose(got[2], last, rtol=1e-6)


def test_lam_one_without_endings_is_the_discounted_return():
    adv = gae(R, V, V_LAST, V_FINAL, NEVER, NEVER, discount=0.5, lam=1.0)
    np.testing.assert_allclose(adv[0] + V[0], 1 + 0.5 * 2 + 0.25 * 3 + 0.125 * 0.2, rtol=1e-6)
