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
      sims: The S simulator devices of this process.
      at_sims: Sharding of arrays [S, ...] over them.
      learners: The L learner devices of this process.
      at_learners: Sharding of arrays [L, ...] over them, or [all learners, ...] over those of all processes.
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
        chunks = parts_on(self.sims, message)
        if self.per_sim > 1:
            chunks = [chunk for shard in chunks for chunk in self._cut(shard)]
        owners = [learner for learner in self.learners for _ in range(self.per_learner)]
        placed = [jax.device_put(chunk, owner) for chunk, owner in zip(chunks, owners, strict=True)]
        return tuple(
            assemble(placed[k :: self.per_learner], self.at_learners) for k in range(self.per_learner)
        )

    def receive(self, commands: Sequence[Command]) -> Command:
        """C / L commands [L, B / C, ...] on the learners → one [S, B / S, ...] on the simulators."""
        per_learner = zip(*(parts_on(self.learners, command) for command in commands), strict=True)
        chunks = [chunk for own in per_learner for chunk in own]
        owners = [sim for sim in self.sims for _ in range(self.per_sim)]
        placed = [jax.device_put(chunk, owner) for chunk, owner in zip(chunks, owners, strict=True)]
        if self.per_sim > 1:
            starts = range(0, len(placed), self.per_sim)
            placed = [self._join(placed[start : start + self.per_sim]) for start in starts]
        return assemble(placed, self.at_sims)

    def _chunks_of_shard(self, shard: Message) -> list[Message]:
        leaves, tree = jax.tree.flatten(shard)
        parts = [jnp.split(leaf, self.per_sim, axis=1) for leaf in leaves]
        return [tree.unflatten(chunk) for chunk in zip(*parts, strict=True)]


def _shard_of_chunks(chunks: Sequence[Command]) -> Command:
    action = jnp.concatenate([chunk.action for chunk in chunks], axis=1)
    return Command(action=action, adr_level=chunks[0].adr_level)


def parts_on(devices: Sequence[jax.Device], tree: Any) -> list[Any]:
    """What each of the devices holds of a tree of arrays; nothing is copied."""
    leaves, structure = jax.tree.flatten(tree)
    held = [{shard.device: shard.data for shard in leaf.addressable_shards} for leaf in leaves]
    return [structure.unflatten([shards[device] for shards in held]) for device in devices]


def assemble(parts: Sequence[Any], sharding: Sharding, axis: int | None = 0) -> Any:
    """The inverse of `parts_on`: one tree of arrays over all devices of the sharding.

    Args:
      parts: of the devices of this process, in the sharding's order.
      sharding: of the arrays.
      axis: along which it splits them; None for copies.
    """

    def join(*leaves: jax.Array) -> jax.Array:
        shape = list(leaves[0].shape)
        if axis is not None:
            shape[axis] *= sharding.num_devices
        return jax.make_array_from_single_device_arrays(tuple(shape), sharding, list(leaves))

    return jax.tree.map(join, *parts)
