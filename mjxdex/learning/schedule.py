"""The policy's step size and its largest noise over a run."""

import jax
import jax.numpy as jnp

from mjxdex.config import PpoConfig

FACTOR = 1.5
"""What an adaptive step size changes by."""
SMALLEST = 1e-6
"""What it does not fall below."""


def linear(ends: tuple[float, float], iteration: jax.Array, over: int) -> jax.Array:
    """From the first of `ends` to the second in so many iterations, constant after."""
    start, end = ends
    return start + jnp.clip(iteration / over, 0.0, 1.0) * (end - start)


def first_step_size(config: PpoConfig) -> jax.Array:
    """Step size of the first update, float32 []."""
    return jnp.float32(config.learning_rate)


def largest_log_std(config: PpoConfig, iteration: jax.Array) -> jax.Array:
    """Ceiling of the log standard deviation in an update: linear between the two of `max_log_std`."""
    return linear(config.max_log_std, iteration, config.max_log_std_iterations)


def next_step_size(
    config: PpoConfig, step_size: jax.Array, iteration: jax.Array, approx_kl: jax.Array
) -> jax.Array:
    """Step size of an update, from that of the one before.

    - linear: from `learning_rate` to `final_learning_rate` over `decay_iterations`, constant after.
    - adaptive: smaller by FACTOR if the last update moved the policy by more than twice `target_kl`, larger
      by it if by less than half; at most `max_learning_rate`. Source: Schulman et al. 2017, Sec. 4, for the
      step size.

    Args:
      config: Settings.
      step_size: float32 [], of the last update.
      iteration: int32 [], updates done.
      approx_kl: float32 [], mean divergence of new and old policy over the last update's minibatches.
    """
    if config.schedule == "linear":
        ends = (config.learning_rate, config.final_learning_rate)
        return linear(ends, iteration, config.decay_iterations)
    factor = jnp.where(approx_kl > 2 * config.target_kl, 1 / FACTOR, 1.0)
    factor = jnp.where(approx_kl < config.target_kl / 2, FACTOR, factor)
    return jnp.clip(step_size * factor, SMALLEST, config.max_learning_rate)
