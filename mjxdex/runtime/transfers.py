"""What travels between simulators and learners, device to device, whatever the number of either."""

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Sharding

from mjxdex.task.env import Command
from mjxdex.types import Message


class Transfers:
    """Routes by env: simulator shards and learners hold equal blocks of the envs, both in order.

    All envs are cut into C = lcm(S, L) chunks for S shards and L learners, so that either is made of whole
    chunks. With one learner a chunk is a shard; where every learner has one simulator nothing is cut. Each
    chunk is put by itself: putting a whole sharded array onto other devices goes through the host.

    Args:
      sims: The S simulator devices.
      at_sims: Sharding of arrays [S, ...] over them.
      learners: The L learner devices.
      at_learners: Sharding of arrays [L, ...] over them.
    """

    def __init__(
        self,
        sims: Sequence[jax.Device],
        at_sims: Sharding,
        learners: Sequence[jax.Device],
        at_learners: Sharding,
    ) -> None:
        self.sims, self.at_sims = tuple(sims), at_sims
        self.learners, self.at_learners = tuple(learners), at_learners
        chunks = math.lcm(len(self.sims), len(self.learners))
        self.per_sim, self.per_learner = chunks // len(self.sims), chunks // len(self.learners)
        self._cut = jax.jit(self._chunks_of_shard)
        self._join = jax.jit(_shard_of_chunks)

    def send(self, message: Message) -> tuple[Message, ...]:
        """A message [S, B / S, ...] on the simulators → C / L messages [L, B / C, ...] on the learners."""
        chunks = shards_of(message, len(self.sims))
        if self.per_sim > 1:
            chunks = [chunk for shard in chunks for chunk in self._cut(shard)]
        owners = [learner for learner in self.learners for _ in range(self.per_learner)]
        placed = [jax.device_put(chunk, owner) for chunk, owner in zip(chunks, owners, strict=True)]
        return tuple(stack(placed[k :: self.per_learner], self.at_learners) for k in range(self.per_learner))

    def receive(self, commands: Sequence[Command]) -> Command:
        """C / L commands [L, B / C, ...] on the learners → one [S, B / S, ...] on the simulators."""
        per_learner = zip(*(shards_of(command, len(self.learners)) for command in commands), strict=True)
        chunks = [chunk for own in per_learner for chunk in own]
        owners = [sim for sim in self.sims for _ in range(self.per_sim)]
        placed = [jax.device_put(chunk, owner) for chunk, owner in zip(chunks, owners, strict=True)]
        if self.per_sim > 1:
            starts = range(0, len(placed), self.per_sim)
            placed = [self._join(placed[start : start + self.per_sim]) for start in starts]
        return stack(placed, self.at_sims)

    def _chunks_of_shard(self, shard: Message) -> list[Message]:
        leaves, tree = jax.tree.flatten(shard)
        parts = [jnp.split(leaf, self.per_sim, axis=1) for leaf in leaves]
        return [tree.unflatten(chunk) for chunk in zip(*parts, strict=True)]


def _shard_of_chunks(chunks: Sequence[Command]) -> Command:
    action = jnp.concatenate([chunk.action for chunk in chunks], axis=1)
    return Command(action=action, adr_level=chunks[0].adr_level)


def shards_of(tree: Any, count: int) -> list[Any]:
    """The parts [1, ...] of arrays [count, ...] split along the first axis, in order; nothing is copied."""
    leaves, structure = jax.tree.flatten(tree)
    per_leaf = [sorted(leaf.addressable_shards, key=lambda s: s.index[0].start or 0) for leaf in leaves]
    return [structure.unflatten([shards[i].data for shards in per_leaf]) for i in range(count)]


def stack(parts: Sequence[Any], sharding: Sharding) -> Any:
    """The inverse of `shards_of`."""

    def join(*leaves: jax.Array) -> jax.Array:
        shape = (len(leaves), *leaves[0].shape[1:])
        return jax.make_array_from_single_device_arrays(shape, sharding, list(leaves))

    return jax.tree.map(join, *parts)
