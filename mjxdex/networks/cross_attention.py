"""A transformer whose attention crosses between two images, and a token that sums both up."""

import math

import jax
import jax.numpy as jnp
from flax import nnx

from mjxdex.config import DistillConfig
from mjxdex.networks.layers import Draws, LayerNorm, Linear, matmul


class Drops:
    """Dropout while learning; without keys, while acting, everything passes.

    Each item has a key of its own, so that the split of a batch over devices does not change what is dropped.

    Args:
      keys: one PRNG key per item of the batch [N], or None.
      rate: share that is dropped, 0 to 1.
    """

    def __init__(self, keys: jax.Array | None, rate: float):
        self.keys, self.rate = keys, rate
        self.sites = 0

    def __call__(self, x: jax.Array) -> jax.Array:
        """[N, ...] → the same with some values 0 and the others larger by 1 / (1 - rate)."""
        if self.keys is None or not self.rate:
            return x
        keys = jax.vmap(jax.random.fold_in, (0, None))(self.keys, self.sites)
        self.sites += 1
        kept = jax.vmap(lambda key: jax.random.bernoulli(key, 1 - self.rate, x.shape[1:]))(keys)
        return jnp.where(kept, x / (1 - self.rate), 0.0)


class CrossAttention(nnx.Module):
    """Multi-head attention in which each image's tokens see only those of the other image and the summary.

    The summary sees all tokens and itself. What a token holds already reaches the result by the residual
    connection around this layer. Products run in the compute type, the softmax in float32.
    """

    def __init__(self, width: int, heads: int, *, draw: Draws, dtype):
        self.heads, self.dtype = heads, jnp.dtype(dtype)
        self.qkv = nnx.Param(draw((width, 3 * width), (3 / width) ** 0.5))
        self.out = Linear(width, width, draw=draw, dtype=dtype)

    def __call__(self, tokens: jax.Array, summary: jax.Array) -> tuple[jax.Array, jax.Array]:
        """float32 tokens [N, 2, C, width] of both images and summary [N, 1, width] → the same shapes."""

        def heads(x: jax.Array) -> list[jax.Array]:
            parts = jnp.split(matmul(x, self.qkv[...], self.dtype), 3, axis=-1)
            return [part.reshape(*part.shape[:-1], self.heads, -1).astype(self.dtype) for part in parts]

        (q, k, v), (q_sum, k_sum, v_sum) = heads(tokens), heads(summary)

        def seen(x: jax.Array, x_sum: jax.Array) -> jax.Array:
            """What each image's tokens look at: [N, 2, C + 1, heads, width / heads]."""
            other = jnp.stack([x[:, 1], x[:, 0]], axis=1)
            both = jnp.broadcast_to(x_sum[:, None], (*x.shape[:2], *x_sum.shape[1:]))
            return jnp.concatenate([other, both], axis=2)

        def everything(x: jax.Array, x_sum: jax.Array) -> jax.Array:
            return jnp.concatenate([x[:, 0], x[:, 1], x_sum], axis=1)

        crossed = self._attend(q, seen(k, k_sum), seen(v, v_sum))
        summed = self._attend(q_sum, everything(k, k_sum), everything(v, v_sum))
        return self.out(crossed), self.out(summed)

    def _attend(self, q: jax.Array, k: jax.Array, v: jax.Array) -> jax.Array:
        """[..., C, heads, d] for queries and as many or more keys and values → [..., C, heads * d]."""
        logits = jnp.einsum("...qhd,...khd->...hqk", q, k, preferred_element_type=jnp.float32)
        weights = jax.nn.softmax(logits / math.sqrt(q.shape[-1]), axis=-1).astype(self.dtype)
        mixed = jnp.einsum("...hqk,...khd->...qhd", weights, v, preferred_element_type=jnp.float32)
        return mixed.reshape(*mixed.shape[:-2], -1)


class CrossBlock(nnx.Module):
    """x + attention(norm(x)), then x + MLP(norm(x)), for the tokens and the summary alike."""

    def __init__(self, config: DistillConfig, *, draw: Draws, dtype):
        width = config.token_width
        self.norm = LayerNorm(width)
        self.attention = CrossAttention(width, config.heads, draw=draw, dtype=dtype)
        self.mlp_norm = LayerNorm(width)
        self.grow = Linear(width, config.token_mlp, draw=draw, dtype=dtype)
        self.shrink = Linear(config.token_mlp, width, draw=draw, dtype=dtype)

    def __call__(self, tokens: jax.Array, summary: jax.Array, drop: Drops) -> tuple[jax.Array, jax.Array]:
        """float32 tokens [N, 2, C, width] and summary [N, 1, width] → the same shapes."""
        attended = self.attention(self.norm(tokens), self.norm(summary))
        tokens, summary = tokens + drop(attended[0]), summary + drop(attended[1])
        return tokens + self._mlp(tokens, drop), summary + self._mlp(summary, drop)

    def _mlp(self, x: jax.Array, drop: Drops) -> jax.Array:
        return drop(self.shrink(drop(nnx.gelu(self.grow(self.mlp_norm(x))))))


class CrossTransformer(nnx.Module):
    """Maps of features of two images → one vector, the summary token's.

    Tokens are the cells of the maps: Linear, plus a learned embedding for each cell of each image. Embeddings
    and summary start with unit variance. The published student differs in three ways: its tokens are the
    channels and their features the cells; its 0/1 mask is added to the logits, so that a token prefers the
    other image but still sees its own; and it drops attention weights, when acting too.

    Source: published DextrAH stereo student; robot_and_fabric.md 7.3.
    """

    def __init__(self, config: DistillConfig, cells: int, *, draw: Draws, dtype):
        width = config.token_width
        self.rate = config.dropout
        self.embed = Linear(width, width, draw=draw, dtype=dtype)
        self.place = nnx.Param(draw((2, cells, width), 3**0.5))
        self.summary = nnx.Param(draw((1, width), 3**0.5))
        self.blocks = nnx.List([CrossBlock(config, draw=draw, dtype=dtype) for _ in range(config.blocks)])
        self.norm = LayerNorm(width)
        self.outputs = width

    def __call__(self, features: jax.Array, keys: jax.Array | None = None) -> jax.Array:
        """float32 features [N, 2, C, width] of both images' cells → [N, width].

        Args:
          features: both maps, cell by cell.
          keys: as in `Drops`.
        """
        drop = Drops(keys, self.rate)
        tokens = drop(self.embed(features)) + self.place[...]
        summary = jnp.broadcast_to(self.summary[...], (features.shape[0], 1, features.shape[-1]))
        for block in self.blocks:
            tokens, summary = block(tokens, summary, drop)
        return self.norm(summary[:, 0])
