"""Uniform random numbers of several kinds from one draw."""

import jax


def shares(key: jax.Array, sizes: dict[str, int]) -> dict[str, jax.Array]:
    """Uniform numbers in [0, 1) by name, float32 [size], of one key; one draw, since each costs time to
    compile."""
    drawn = jax.random.uniform(key, (sum(sizes.values()),))
    found, start = {}, 0
    for name, size in sizes.items():
        found[name] = drawn[start : start + size]
        start += size
    return found


def within(ends: tuple[float, float], share: jax.Array) -> jax.Array:
    """Numbers at a share of the range (low, high)."""
    low, high = ends
    return low + (high - low) * share
