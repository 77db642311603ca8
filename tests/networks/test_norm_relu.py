"""Normalization and ReLU in one against their definition, and the GPU kernels, interpreted, against both."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mjxdex.networks import norm_relu_kernels
from mjxdex.networks.convolution import in_blocks
from mjxdex.networks.layers import matmul
from mjxdex.networks.norm_relu import EPSILON, NormRelu

SHAPE = (5, 7, 9, 16)


def definition(x, shift, scale, bias, block=1):
    repeats = x.shape[-1] // shift.shape[0]
    x = x + jnp.tile(shift, repeats)
    mean, var = (f(x, axis=(1, 2, 3), keepdims=True) for f in (jnp.mean, jnp.var))
    y = (x - mean) / jnp.sqrt(var + EPSILON) * jnp.tile(scale, repeats) + jnp.tile(bias, repeats)
    return in_blocks(nnx.relu(y), block)


def fused(x, shift, scale, bias, block=1):
    module = NormRelu(shift.shape[0])
    module.scale[...], module.bias[...] = scale, bias
    return module(x, shift, block=block)


def case(channels: int):
    keys = jax.random.split(jax.random.key(0), 5)
    x, weights = (2 + jax.random.normal(key, SHAPE) for key in keys[:2])
    return (x, *(1 + 0.4 * jax.random.normal(key, (channels,)) for key in keys[2:])), weights


@pytest.fixture(params=["plain", "kernels"])
def implementation(request, monkeypatch):
    """Kernels run interpreted, in tiles that do not divide the image evenly."""
    if request.param == "kernels":
        monkeypatch.setattr(norm_relu_kernels, "fit", lambda x: True)
        monkeypatch.setattr(norm_relu_kernels, "_VALUES", 64)
        monkeypatch.setattr(norm_relu_kernels, "_INTERPRET", True)


@pytest.mark.parametrize(("channels", "block"), [(16, 1), (4, 1), (16, 2), (16, 3)])
def test_result_and_gradients_equal_the_definitions(implementation, channels, block):
    inputs, weights = case(channels)
    weights = in_blocks(weights, block)

    def run(f):
        return jax.value_and_grad(lambda *i: jnp.sum(f(*i, block) * weights), argnums=(0, 1, 2, 3))(*inputs)

    np.testing.assert_allclose(fused(*inputs, block), definition(*inputs, block), atol=5e-5)
    for got, want in zip(jax.tree.leaves(run(fused)), jax.tree.leaves(run(definition)), strict=True):
        np.testing.assert_allclose(got, want, atol=2e-5 * np.abs(want).max())


@pytest.mark.parametrize("block", [1, 2])
def test_bfloat16_rounds_the_result_and_nothing_before_it(implementation, block):
    (x, *vectors), _ = case(16)
    x = x.astype(jnp.bfloat16)
    got, want = fused(x, *vectors, block), definition(x.astype(jnp.float32), *vectors, block)
    assert got.dtype == jnp.bfloat16
    np.testing.assert_allclose(got.astype(jnp.float32), want, rtol=2**-8, atol=1e-5)


@pytest.mark.parametrize("block", [1, 2])
def test_bfloat16_takes_its_gradient_from_a_linear_layer(implementation, block):
    """Which gives float32, whatever it was given."""
    (x, *vectors), _ = case(16)
    kernel = jax.random.normal(jax.random.key(1), (16 * block**2, 3))

    def run(f, x):
        return jax.grad(lambda x: jnp.sum(matmul(f(x, *vectors, block), kernel, x.dtype) ** 2))(x)

    x = x.astype(jnp.bfloat16)
    got, want = run(fused, x), run(definition, x.astype(jnp.float32))
    assert got.dtype == jnp.bfloat16
    np.testing.assert_allclose(got.astype(jnp.float32), want, atol=2e-2 * np.abs(want).max())


def test_statistics_survive_an_image_that_is_mostly_empty():
    rng = np.random.default_rng(0)
    x = np.tile(rng.normal(size=16), (1, 58, 78, 1))  # the biases of 16 channels, everywhere
    x[:, 20:24, 30:34] += rng.normal(size=(1, 4, 4, 16))
    got = NormRelu(16)(jnp.asarray(x, jnp.float32), jnp.zeros(16))
    np.testing.assert_allclose(got, np.maximum((x - x.mean()) / x.std(), 0), atol=1e-5)


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("size", "channels", "block"), [((77, 57), 16, 2), ((37, 27), 32, 1), ((17, 12), 64, 2), ((7, 5), 128, 1)]
)
def test_compiled_kernels_equal_the_definition(size, channels, block):
    keys = jax.random.split(jax.random.key(0), 5)
    x, weights = (jax.random.normal(key, (64, *size, channels), jnp.bfloat16) for key in keys[:2])
    vectors = [1 + 0.4 * jax.random.normal(key, (channels,)) for key in keys[2:]]
    assert norm_relu_kernels.fit(x)
    weights = in_blocks(weights, block)

    def run(f, x):
        def loss(*inputs):
            y = f(*inputs, block)
            return jnp.sum(y.astype(jnp.float32) * weights), y

        return jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2, 3), has_aux=True))(x, *vectors)

    (_, y), gradients = run(fused, x)
    (_, wanted), wanted_gradients = run(definition, x.astype(jnp.float32))
    np.testing.assert_allclose(y.astype(jnp.float32), wanted, rtol=2**-7, atol=1e-4)
    for got, want in zip(gradients, wanted_gradients, strict=True):
        np.testing.assert_allclose(got.astype(jnp.float32), want, atol=1e-2 * np.abs(want).max())
