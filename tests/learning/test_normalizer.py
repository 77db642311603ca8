"""Running statistics against numpy over everything seen."""

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.learning import normalizer


def test_merging_batches_equals_the_statistics_of_all():
    rng = np.random.default_rng(0)
    batches = [rng.normal(3.0 * i, 1.0 + i, (n, 2, 4)).astype(np.float32) for i, n in enumerate((5, 1, 40))]
    stats = normalizer.init((4,))
    for batch in batches:
        stats = jax.jit(normalizer.update)(stats, jnp.asarray(batch))
    everything = np.concatenate([b.reshape(-1, 4) for b in batches]).astype(np.float64)
    assert float(stats.count) == len(everything)
    np.testing.assert_allclose(stats.mean, everything.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(stats.var, everything.var(axis=0), rtol=1e-5)


def test_small_spread_around_a_large_mean_survives_float32():
    batch = 1000 + 0.01 * np.random.default_rng(0).normal(size=(4096,)).astype(np.float32)
    stats = normalizer.update(normalizer.init(), jnp.asarray(batch))
    np.testing.assert_allclose(stats.var, batch.astype(np.float64).var(), rtol=2e-2)


def test_normalize_before_any_data_only_clips():
    x = jnp.array([-9.0, 0.5, 9.0])
    np.testing.assert_allclose(normalizer.normalize(normalizer.init((3,)), x, 5.0), [-5, 0.5, 5], rtol=1e-4)


def test_constant_entries_become_zero_and_denormalize_inverts():
    stats = normalizer.update(normalizer.init((2,)), jnp.array([[7.0, 1.0], [7.0, 3.0]]))
    z = normalizer.normalize(stats, jnp.array([7.0, 3.0]))
    np.testing.assert_allclose(z, [0.0, 1.0], atol=1e-4)
    np.testing.assert_allclose(normalizer.denormalize(stats, z), [7.0, 3.0], rtol=1e-5)
