"""Every env's arrays reach the learner that owns it, and its action comes back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from mjxdex.runtime.transfers import Transfers, parts_on
from mjxdex.task.env import Command
from mjxdex.types import Message, Observation, Outcome

ENVS = 24


def along(devices: list[jax.Device]) -> NamedSharding:
    return NamedSharding(Mesh(np.asarray(devices), ("device",)), P("device"))


def message(shards: int, sharding: NamedSharding) -> Message:
    """Each leaf tells the env."""
    ids = np.arange(ENVS).reshape(shards, -1)
    per_env = jax.device_put(ids.astype(np.float32), sharding)
    vectors = jax.device_put(np.repeat(ids[..., None], 3, axis=2).astype(np.float32), sharding)
    depth = jax.device_put(np.tile(ids[..., None, None], (2, 4)).astype(np.uint16), sharding)
    over = jax.device_put(ids % 2 == 0, sharding)
    outcome = Outcome(per_env, over, over, over, vectors, {"x": per_env})
    return Message(Observation(vectors, vectors, depth), outcome)


@pytest.mark.parametrize(
    ("sims", "learners"),
    [([0], [0]), ([0], [1]), ([0, 1, 2], [3]), ([0], [1, 2, 3]), ([0, 1], [2, 3]), ([0, 1, 2], [3, 0]),
     ([1, 0, 3], [2, 1]), ([0, 1], [1, 2, 3]), ([0, 1, 2, 3], [0, 1, 2, 3])],
)  # fmt: skip
def test_there_and_back(sims: list[int], learners: list[int]) -> None:
    devices = jax.devices()
    sims_, learners_ = [devices[i] for i in sims], [devices[i] for i in learners]
    transfers = Transfers(sims_, along(sims_), learners_, along(learners_))
    messages = transfers.send(message(len(sims), along(sims_)))

    own = ENVS // len(learners)
    for index, parts in enumerate(zip(*(parts_on(learners_, m) for m in messages), strict=True)):
        assert all(leaf.devices() == {learners_[index]} for leaf in jax.tree.leaves(parts))
        for name in ("policy", "critic", "depth"):
            joined = np.concatenate([getattr(part.obs, name)[0] for part in parts])
            envs = np.arange(index * own, (index + 1) * own)
            np.testing.assert_array_equal(joined.reshape(own, -1), np.tile(envs, (joined[0].size, 1)).T)

    commands = [Command(m.obs.critic + 0.5, jnp.full(len(learners), 7)) for m in messages]
    commands = [jax.device_put(c, along(learners_)) for c in commands]
    command = transfers.receive(commands)
    assert command.action.shape == (len(sims), ENVS // len(sims), 3)
    np.testing.assert_array_equal(np.asarray(command.action)[..., 0].ravel(), np.arange(ENVS) + 0.5)
    assert list(command.adr_level) == [7] * len(sims)
    for shard, device in zip(parts_on(sims_, command), sims_, strict=True):
        assert shard.action.devices() == {device}


def test_data_parallel_observations_stay_where_they_are() -> None:
    devices = jax.devices()
    transfers = Transfers(devices, along(devices), devices, along(devices))
    sent = message(4, along(devices))
    (received,) = transfers.send(sent)
    for before, after in zip(parts_on(devices, sent), parts_on(devices, received), strict=True):
        assert before.obs.depth.unsafe_buffer_pointer() == after.obs.depth.unsafe_buffer_pointer()
