"""Automatic domain randomization: one level for all envs, which rises as they succeed."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mjxdex.config import AdrConfig
from mjxdex.config_adr import LIGHT_LEVELS, NUM_LEVELS


class AdrState(NamedTuple):
    """Attributes:
    level: int32 [], -LIGHT_LEVELS to NUM_LEVELS.
    resets: int32 [], control steps with at least one reset since the level last rose.
    """

    level: jax.Array
    resets: jax.Array


def init(config: AdrConfig) -> AdrState:
    return AdrState(level=jnp.int32(config.start_level), resets=jnp.zeros((), jnp.int32))


def update(config: AdrConfig, adr: AdrState, success: jax.Array, done: jax.Array) -> AdrState:
    """Raises the level by one if enough envs succeed and enough resets have passed.

    Looked at only in steps in which some env resets. Envs that reset count as not successful.

    Args:
      success: bool [B], the object is in the goal region, over all envs of all shards.
      done: bool [B], the env resets in this step.
    Source: published DextrAH task.
    """
    share = jnp.mean((success & ~done).astype(jnp.float32))
    rises = (
        (adr.resets >= jnp.where(adr.level < 0, config.light_min_resets, config.min_resets))
        & (share > config.success_threshold)
        & (adr.level < config.max_level)
    )
    looked_at = AdrState(
        level=adr.level + rises.astype(jnp.int32), resets=jnp.where(rises, 0, adr.resets + 1)
    )
    return jax.tree.map(lambda new, old: jnp.where(done.any(), new, old), looked_at, adr)


def value(ends: tuple[float, float], level: jax.Array) -> jax.Array:
    """Value at an ADR level, between those at level 0, or below it, and at NUM_LEVELS."""
    start, end = ends
    return start + (end - start) * jnp.maximum(level, 0).astype(jnp.float32) / NUM_LEVELS


def light_value(ends: tuple[float, float], level: jax.Array) -> jax.Array:
    """Value at an ADR level, between those at level -LIGHT_LEVELS and at level 0, or above it."""
    start, end = ends
    return end + (end - start) * jnp.minimum(level, 0).astype(jnp.float32) / LIGHT_LEVELS


def sample(ends: tuple[float, float, float, float], level: jax.Array, share: jax.Array) -> jax.Array:
    """Numbers at a share in [0, 1) of the range at an ADR level, which is given as (low, high) at level 0,
    then at NUM_LEVELS."""
    low, high = value((ends[0], ends[2]), level), value((ends[1], ends[3]), level)
    return low + (high - low) * share
