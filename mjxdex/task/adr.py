"""Automatic domain randomization: one level for all envs, which rises as they succeed."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mjxdex.config import AdrConfig

NUM_LEVELS = 50
"""Level at which every range has its full width."""


class AdrState(NamedTuple):
    """Attributes:
    level: int32 [], 0 to NUM_LEVELS.
    resets: int32 [], control steps with at least one reset since the level last rose.
    """

    level: jax.Array
    resets: jax.Array


def init() -> AdrState:
    return AdrState(level=jnp.zeros((), jnp.int32), resets=jnp.zeros((), jnp.int32))


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
        (adr.resets >= config.min_resets)
        & (share > config.success_threshold)
        & (adr.level < config.max_level)
    )
    looked_at = AdrState(
        level=adr.level + rises.astype(jnp.int32), resets=jnp.where(rises, 0, adr.resets + 1)
    )
    return jax.tree.map(lambda new, old: jnp.where(done.any(), new, old), looked_at, adr)


def interpolate(start: float, end: float, level: jax.Array) -> jax.Array:
    """Value at an ADR level: `start` at level 0, `end` at NUM_LEVELS, linear between."""
    return start + (end - start) * level.astype(jnp.float32) / NUM_LEVELS
