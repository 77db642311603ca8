"""Running mean and variance, merged batch by batch."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mjxdex.learning.blocks import WHOLE, Blocks

_EPSILON = 1e-5


class RunningStats(NamedTuple):
    """Mean and variance of everything seen.

    Attributes:
      count: float32 [], samples seen.
      mean: float32 [...].
      var: float32 [...], biased variance; 1 before the first batch.
    """

    count: jax.Array
    mean: jax.Array
    var: jax.Array


def init(shape: tuple[int, ...] = ()) -> RunningStats:
    """Statistics of nothing: `normalize` only clips until the first `update`."""
    return RunningStats(jnp.zeros(()), jnp.zeros(shape), jnp.ones(shape))


def update(stats: RunningStats, batch: jax.Array, blocks: Blocks = WHOLE) -> RunningStats:
    """Merges a batch, float32 [..., *shape of the mean], of each program into the statistics.

    mean = mean_a + δ n_b / n,  var = (var_a n_a + var_b n_b + δ² n_a n_b / n) / n,  δ = mean_b - mean_a

    Source: Chan, Golub & LeVeque 1979.
    """
    batch = batch.reshape(-1, *stats.mean.shape)
    size = jnp.float32(batch.shape[0] * blocks.programs)
    count = stats.count + size
    share = size / count
    delta = blocks.mean(batch, 0) - stats.mean
    var = stats.var * (1 - share) + blocks.var(batch, 0) * share + delta**2 * share * (1 - share)
    return RunningStats(count, stats.mean + delta * share, var)


def normalize(stats: RunningStats, x: jax.Array, clip: float | None = None) -> jax.Array:
    """(x - mean) / std, clipped to ±clip where one is given."""
    x = (x - stats.mean) * jax.lax.rsqrt(stats.var + _EPSILON)
    return x if clip is None else jnp.clip(x, -clip, clip)


def denormalize(stats: RunningStats, x: jax.Array) -> jax.Array:
    """Inverse of `normalize` without clipping."""
    return x * jnp.sqrt(stats.var + _EPSILON) + stats.mean
