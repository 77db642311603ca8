"""The convolution against XLA's, and the depth encoder's precision and memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mjxdex.config import NetworkConfig
from mjxdex.networks.cnn import Convolutions, DepthEncoder
from mjxdex.networks.convolution import halving_convolution, in_blocks, in_halves
from mjxdex.networks.layers import Draws
from mjxdex.types import DEPTH_UNIT


def draws() -> Draws:
    return Draws(jax.random.uniform(jax.random.key(0), (100_000,)))


def xla_convolution(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return jax.lax.conv_general_dilated(
        x, kernel, (2, 2), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


@pytest.mark.parametrize(("kernel_size", "image"), [(4, (13, 18)), (6, (12, 16)), (3, (11, 15))])
def test_convolution_and_its_gradients_equal_xlas(kernel_size, image):
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (2, *image, 3))
    kernel = jax.random.normal(keys[1], (kernel_size, kernel_size, 3, 5))

    @jax.jit
    def both(x, kernel):
        want, want_transpose = jax.vjp(xla_convolution, x, kernel)
        got, got_transpose = jax.vjp(halving_convolution, x, kernel)
        dy = jax.random.normal(keys[2], want.shape)
        return (want, *want_transpose(dy)), (got, *got_transpose(dy))

    for want, got in zip(*both(x, kernel), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-4)


def encode(depth: jax.Array, dtype: str = "float32", pooling: str = "mean") -> jax.Array:
    config = NetworkConfig(cnn_filters=(8, 16), cnn_kernels=(6, 4), compute_dtype=dtype, pooling=pooling)  # pyright: ignore
    return jax.jit(lambda: DepthEncoder(config, depth.shape[1:], draw=draws())(depth))()


@pytest.mark.parametrize(("kernel_size", "image"), [(6, (12, 16)), (6, (13, 17)), (3, (10, 13))])
def test_result_in_blocks_feeds_the_next_convolution(kernel_size, image):
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (2, *image, 3))
    first = jax.random.normal(keys[1], (kernel_size, kernel_size, 3, 5))
    second = jax.random.normal(keys[2], (3, 3, 5, 2)) if kernel_size == 6 else None
    want = xla_convolution(x, first)
    assert want.shape[1] % 2 == want.shape[2] % 2 == 0
    blocks = halving_convolution(x, first, block_out=2)
    np.testing.assert_allclose(blocks, in_blocks(want, 2), atol=1e-4)
    if second is not None:
        again = halving_convolution(blocks, second, block_in=2)
        np.testing.assert_allclose(again, xla_convolution(want, second), atol=1e-3)


@pytest.mark.parametrize("kernel_sizes", [(6, 4, 4), (6, 3, 2), (4, 4, 3)])
@pytest.mark.parametrize("image", [(36, 44), (41, 42)])
def test_layers_of_all_sizes_equal_their_definition(kernel_sizes, image):
    filters = (4, 8, 8)
    config = NetworkConfig(cnn_filters=filters, cnn_kernels=kernel_sizes, compute_dtype="float32")
    layers = Convolutions(config, 3, draw=draws())
    x = want = jax.random.normal(jax.random.key(1), (2, *image, 3))
    for kernel, bias in zip(layers.kernels, layers.biases, strict=True):
        want = xla_convolution(want, kernel[...]) + bias[...]
        mean, std = (f(want, axis=(1, 2, 3), keepdims=True) for f in (jnp.mean, jnp.std))
        want = nnx.relu((want - mean) / std)
    assert want.shape[1:] == (*layers.size(*image), 8)
    np.testing.assert_allclose(jax.jit(layers)(x), want, atol=1e-3)


def test_halves_keep_a_tenth_of_a_millimetre():
    metres = jnp.linspace(0.5, 1.3, 8001)[:, None]
    halves = jax.jit(in_halves)(metres)
    assert halves.dtype == jnp.bfloat16
    np.testing.assert_allclose(halves.astype(jnp.float32).sum(axis=-1), metres[:, 0], atol=3e-5)
    assert np.abs(metres - metres.astype(jnp.bfloat16)).max() > 3e-3


@pytest.mark.parametrize("pooling", ["mean", "none"])
def test_bfloat16_encoder_agrees_with_float32(pooling):
    depth = jax.random.randint(jax.random.key(1), (3, 24, 32), 5000, 13000).astype(jnp.uint16)
    exact, coarse = (encode(depth, dtype, pooling) for dtype in ("float32", "bfloat16"))
    assert coarse.dtype == jnp.float32 and coarse.shape == (3, 32)
    np.testing.assert_allclose(coarse, exact, atol=0.05)
    assert np.abs(exact).max() > 0.2


def test_counts_and_metres_are_the_same_image():
    depth = jax.random.randint(jax.random.key(1), (2, 24, 32), 5000, 13000).astype(jnp.uint16)
    np.testing.assert_allclose(encode(depth), encode(depth.astype(jnp.float32) * DEPTH_UNIT), atol=1e-6)


def test_embedding_sees_how_far_away_a_scene_is():
    box_on_wall = jnp.full((1, 24, 32), 1.0).at[:, 8:16, 12:20].set(0.9)
    assert np.abs(encode(box_on_wall) - encode(box_on_wall * 0.8)).max() > 1e-2


def test_without_pooling_it_shows_where_a_box_is():
    wall = jnp.full((1, 48, 64), 1.0)
    left, right = wall.at[:, 20:30, 10:20].set(0.9), wall.at[:, 20:30, 40:50].set(0.9)

    def moved(pooling):
        return np.abs(encode(left, pooling=pooling) - encode(right, pooling=pooling)).max()

    assert moved("none") > 10 * moved("mean")


def test_empty_image_gives_finite_gradients():
    config = NetworkConfig(cnn_filters=(8, 16), cnn_kernels=(6, 4), compute_dtype="float32")
    graph, params = nnx.split(DepthEncoder(config, (24, 32), draw=draws()))
    empty = jnp.zeros((1, 24, 32), jnp.uint16)
    grads = jax.jit(jax.grad(lambda p: jnp.sum(nnx.merge(graph, p)(empty) ** 2)))(params)
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(grads))
