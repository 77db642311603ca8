import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import DistillConfig
from mjxdex.networks.cross_attention import CrossAttention, CrossTransformer, Drops
from mjxdex.networks.layers import Draws

CELLS, WIDTH, HEADS = 3, 8, 2


def draws() -> Draws:
    return Draws(jax.random.uniform(jax.random.key(0), (10_000,)))


def test_attention_is_dense_attention_with_forbidden_pairs_masked():
    attention = CrossAttention(WIDTH, HEADS, draw=draws(), dtype=jnp.float32)
    tokens = jax.random.normal(jax.random.key(2), (4, 2, CELLS, WIDTH))
    summary = jax.random.normal(jax.random.key(3), (4, 1, WIDTH))

    @jax.jit
    def both(tokens: jax.Array, summary: jax.Array):
        every = jnp.concatenate([tokens.reshape(4, -1, WIDTH), summary], axis=1)
        parts = jnp.split(every @ attention.qkv[...], 3, axis=-1)
        q, k, v = (part.reshape(4, -1, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3) for part in parts)
        logits = q @ k.swapaxes(2, 3) / (WIDTH // HEADS) ** 0.5
        side = np.array([0] * CELLS + [1] * CELLS + [2])
        allowed = (side[:, None] != side[None]) | (side[:, None] == 2)
        weights = jax.nn.softmax(jnp.where(allowed, logits, -jnp.inf), axis=-1)
        dense = attention.out((weights @ v).transpose(0, 2, 1, 3).reshape(4, -1, WIDTH))
        return attention(tokens, summary), dense

    (crossed, summed), dense = both(tokens, summary)
    np.testing.assert_allclose(crossed.reshape(4, -1, WIDTH), dense[:, :-1], atol=1e-5)
    np.testing.assert_allclose(summed, dense[:, -1:], atol=1e-5)


def test_the_summary_depends_on_every_cell_of_both_images():
    config = DistillConfig(token_width=WIDTH, heads=HEADS, blocks=1, token_mlp=16)
    transformer = CrossTransformer(config, CELLS, draw=draws(), dtype=jnp.float32)
    features = jax.random.normal(jax.random.key(4), (1, 2, CELLS, WIDTH))
    run = jax.jit(lambda x: transformer(x))
    slope = jax.jit(jax.grad(lambda x: jnp.sum(transformer(x)[0, 0])))(features)
    assert (jnp.abs(slope).max(axis=-1) > 1e-6).all()
    assert jnp.abs(run(features[:, ::-1]) - run(features)).max() > 1e-3


def test_dropout_goes_by_each_items_key():
    keys = jax.random.split(jax.random.key(5), 6)
    x = jnp.ones((6, 200))
    dropped = Drops(keys, 0.25)(x)
    assert abs(float((dropped == 0).mean()) - 0.25) < 0.04
    np.testing.assert_allclose(dropped[dropped > 0], 1 / 0.75)
    np.testing.assert_array_equal(Drops(keys[4:], 0.25)(x[4:]), dropped[4:])
    drop = Drops(keys, 0.25)
    assert (drop(x) != drop(x)).any()
    np.testing.assert_array_equal(Drops(None, 0.25)(x), x)
