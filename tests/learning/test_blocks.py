"""What is computed over several programs is what one program with all envs computes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from mjxdex.learning import normalizer
from mjxdex.learning.blocks import WHOLE, Blocks

COUNT, ENVS = 3, 12
BLOCKS = Blocks(COUNT, "part")
SPLIT, COPIED = P("part"), P()
MESH = Mesh(np.asarray(jax.devices()[:COUNT]), ("part",))


def split(function, x, inputs=SPLIT, outputs=COPIED):
    """The function on the blocks of x, each on a device."""
    return jax.jit(jax.shard_map(function, mesh=MESH, in_specs=inputs, out_specs=outputs, check_vma=False))(x)


@pytest.fixture(scope="module")
def x():
    """[B, 4], with blocks of very different means."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(ENVS, 4)) + np.repeat([0, 50, -7], 4)[:, None]).astype(np.float32)


@pytest.mark.parametrize("axis", [None, 0])
def test_mean_and_variance_are_those_of_all_envs(x, axis):
    mean, var = split(lambda own: (BLOCKS.mean(own, axis), BLOCKS.var(own, axis)), x)
    np.testing.assert_allclose(mean, x.astype(float).mean(axis), rtol=1e-6)
    np.testing.assert_allclose(var, x.astype(float).var(axis), rtol=1e-6)
    np.testing.assert_allclose(WHOLE.var(jnp.asarray(x), axis), jnp.var(jnp.asarray(x), axis), rtol=1e-6)


def test_running_statistics_count_every_env_once(x):
    apart = split(lambda own: normalizer.update(normalizer.init((4,)), own, BLOCKS), x)
    together = normalizer.update(normalizer.init((4,)), jnp.asarray(x))
    assert float(apart.count) == ENVS
    for one, other in zip(apart, together, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_every_and_own_are_inverse(x):
    np.testing.assert_array_equal(split(BLOCKS.every, x), x)
    np.testing.assert_array_equal(split(BLOCKS.own, x, COPIED, SPLIT), x)
    np.testing.assert_array_equal(split(partial(BLOCKS.own, axis=1), x.T, COPIED, P(None, "part")), x.T)


def test_minibatches_are_the_same_in_one_program_and_in_several():
    draws = np.random.default_rng(1).random((5, ENVS), np.float32)
    apart = split(lambda all_draws: BLOCKS.minibatches(all_draws, 2), draws, COPIED, P(None, "part"))
    together = np.asarray(Blocks(COUNT).minibatches(jnp.asarray(draws), 2))
    size = ENVS // COUNT
    of_all = np.asarray(apart).reshape(10, COUNT, -1) + size * np.arange(COUNT)[:, None]
    np.testing.assert_array_equal(of_all.reshape(10, -1), together)
    np.testing.assert_array_equal(np.sort(together.reshape(5, ENVS)), np.tile(np.arange(ENVS), (5, 1)))
    assert len({tuple(epoch) for epoch in together.reshape(5, ENVS)}) == 5


def test_one_block_is_shuffled_as_a_whole():
    draws = jnp.asarray(np.random.default_rng(1).random((5, ENVS), np.float32))
    np.testing.assert_array_equal(WHOLE.minibatches(draws, 2), jnp.argsort(draws).reshape(10, -1))
