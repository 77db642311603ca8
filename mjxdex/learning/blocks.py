"""Blocks of envs, each the share of one learner, and what is computed over all of them."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp


@dataclass(frozen=True)
class Blocks:
    """Equal blocks of consecutive envs.

    Without an axis one program holds all of them, and `mean` and its kin are plain reductions. With one,
    program i along that axis of a mesh holds block i, and they are collectives: every program has to call
    them, and all get the same bits.

    Attributes:
      count: Blocks in all.
      axis: Name of the mesh axis, or None.
    """

    count: int = 1
    axis: str | None = None

    @property
    def programs(self) -> int:
        """Programs that share the envs."""
        return self.count if self.axis else 1

    def average(self, tree: Any) -> Any:
        """Mean over the programs, leaf by leaf: of gradients, or of means over equally many samples."""
        return jax.lax.pmean(tree, self.axis) if self.axis else tree

    def total(self, tree: Any) -> Any:
        """Sum over the programs, leaf by leaf."""
        return jax.lax.psum(tree, self.axis) if self.axis else tree

    def mean(self, x: jax.Array, axis: int | None = None) -> jax.Array:
        """Mean of x over all its axes, or over the first, and over the programs."""
        return self.average(jnp.mean(x, axis))

    def var(self, x: jax.Array, axis: int | None = None) -> jax.Array:
        """Biased variance of what `mean` averages, about the mean over all programs."""
        return self.mean((x - self.mean(x, axis)) ** 2, axis)

    def every(self, x: jax.Array) -> jax.Array:
        """[B, ...] of the envs of all programs, in order, from each program's own [B / programs, ...]."""
        return jax.lax.all_gather(x, self.axis, tiled=True) if self.axis else x

    def own(self, x: jax.Array, axis: int = 0) -> jax.Array:
        """The inverse of `every`: along `axis`, the envs of this program out of all."""
        if self.axis is None:
            return x
        size = x.shape[axis] // self.count
        start = jax.lax.axis_index(self.axis) * size
        return jax.lax.dynamic_slice_in_dim(x, start, size, axis)

    def minibatches(self, draws: jax.Array, count: int) -> jax.Array:
        """Shuffles envs within their block and deals them out, equally many of each block to a minibatch.

        So a minibatch needs no env of another program, and blocks in one program or in several give the same
        ones. Against a shuffle of all envs together, only draws with the same number of envs from each block
        are possible.

        Args:
          draws: float32 [epochs, B], uniform, over the envs of all programs.
          count: Minibatches of an epoch.

        Returns:
          int32 [epochs * count, B / programs / count], indices into this program's envs.
        """
        epochs = draws.shape[0]
        held = self.count // self.programs
        order = jnp.argsort(self.own(draws, axis=1).reshape(epochs, held, -1))
        order += jnp.arange(held)[:, None] * order.shape[-1]
        dealt = order.reshape(epochs, held, count, -1).swapaxes(1, 2)
        return dealt.reshape(epochs * count, -1)


WHOLE = Blocks()
"""One program holds all envs, as one block."""
