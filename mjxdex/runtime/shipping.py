"""Whole rollouts on their way from the devices that acted to those that learn."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.learning.rollout import Rollout
from mjxdex.runtime.learner_mesh import COPIED, ROLLOUT, LearnerMesh, split_axis
from mjxdex.runtime.transfers import parts_on


class Shipment:
    """Sends rollouts device to device. Both sides hold equal blocks of the envs, in order.

    As in `transfers.Transfers` all envs are cut into chunks of which either side is made. A learner that gets
    several puts one after the other into its buffer, so that it never holds a rollout twice.

    Args:
      actors: Devices that acted.
      learners: Devices that learn.
    """

    def __init__(self, actors: LearnerMesh, learners: LearnerMesh) -> None:
        self.actors, self.learners = actors, learners
        chunks = math.lcm(len(actors.local), len(learners.local))
        self.per_actor, self.per_learner = chunks // len(actors.local), chunks // len(learners.local)
        self._cut = jax.jit(_cut, static_argnums=1)
        self._insert = learners.program(
            _insert, inputs=(ROLLOUT, ROLLOUT, COPIED), outputs=ROLLOUT, donate=(0,)
        )

        self._buffer: Rollout | None = None

    def __call__(self, rollout: Rollout) -> Rollout:
        """The rollout on the learners; the one before is used up."""
        chunks = parts_on(self.actors.local, rollout)
        if self.per_actor > 1:
            chunks = [chunk for part in chunks for chunk in self._cut(part, self.per_actor)]
        if self.per_learner == 1:
            return self._placed(chunks)
        buffer = self._buffer or self._empty(rollout)
        for k in range(self.per_learner):
            jax.block_until_ready(buffer)  # else all chunks would arrive at once
            buffer = self._insert(buffer, self._placed(chunks[k :: self.per_learner]), np.int32(k))
        self._buffer = buffer
        return buffer

    def _placed(self, chunks: Sequence[Rollout]) -> Rollout:
        """A chunk for each learner."""
        mine = zip(chunks, self.learners.local, strict=True)
        placed = [jax.device_put(chunk, learner) for chunk, learner in mine]
        return self.learners.assemble(placed, ROLLOUT)

    def _empty(self, rollout: Rollout) -> Rollout:
        def zeros() -> Rollout:
            return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), rollout)

        return jax.jit(zeros, out_shardings=self.learners.sharding(ROLLOUT))()


def _cut(rollout: Rollout, count: int) -> list[Rollout]:
    def chunk(k: int) -> Rollout:
        def one(leaf: jax.Array, axis: int | None) -> jax.Array:
            if axis is None:
                return leaf
            size = leaf.shape[axis] // count
            return jax.lax.slice_in_dim(leaf, k * size, (k + 1) * size, axis=axis)

        return jax.tree.map(
            lambda spec, part: jax.tree.map(lambda leaf: one(leaf, split_axis(spec)), part), ROLLOUT, rollout
        )

    return [chunk(k) for k in range(count)]


def _insert(buffer: Rollout, chunk: Rollout, k: jax.Array) -> Rollout:
    def one(whole: jax.Array, part: jax.Array, axis: int | None) -> jax.Array:
        if axis is None:
            return part
        return jax.lax.dynamic_update_slice_in_dim(whole, part, k * part.shape[axis], axis)

    return jax.tree.map(
        lambda spec, whole, part: jax.tree.map(lambda a, b: one(a, b, split_axis(spec)), whole, part),
        ROLLOUT, buffer, chunk,
    )  # fmt: skip
