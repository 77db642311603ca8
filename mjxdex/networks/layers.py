"""Linear layers, layer normalization, and the random numbers that parameters start from."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx


class Draws:
    """Uniform random numbers handed out in the order asked for.

    A network's numbers come from one draw: XLA takes about a second to compile each call of `jax.random`.

    Attributes:
      used: Numbers handed out so far.
    """

    def __init__(self, numbers: jax.Array | None = None):
        """Hands out `numbers`, float32 [N] in [0, 1); None gives zeros and counts what a network needs."""
        self.numbers = numbers
        self.used = 0

    def __call__(self, shape: tuple[int, ...], bound: float) -> jax.Array:
        """float32 of this shape, uniform in ±bound."""
        start, self.used = self.used, self.used + math.prod(shape)
        if self.numbers is None:
            return jnp.zeros(shape)
        if self.used > self.numbers.shape[0]:
            raise ValueError(
                f"{self.numbers.shape[0]} numbers were drawn, but at least {self.used} are needed"
            )
        return bound * (2 * self.numbers[start : self.used].reshape(shape) - 1)


def aligned(x: jax.Array, kernel: jax.Array, dtype: jnp.dtype) -> tuple[jax.Array, jax.Array]:
    """x [..., N] and kernel [N, M], for bfloat16 with zeros up to a multiple of 64 for N.

    GPUs have their fast products for rows that start at multiples of 16 bytes only.
    """
    fill = -x.shape[-1] % 64 if dtype == jnp.bfloat16 else 0
    if not fill:
        return x, kernel
    return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, fill)]), jnp.pad(kernel, [(0, fill), (0, 0)])


def matmul(x: jax.Array, kernel: jax.Array, dtype: jnp.dtype) -> jax.Array:
    """x [..., N] times kernel [N, M], in `dtype`, gradients too, with float32 sums and result."""
    return _matmul(*aligned(x, kernel, dtype), dtype)


def _product(x, kernel, dtype):
    return jnp.matmul(x.astype(dtype), kernel.astype(dtype), preferred_element_type=jnp.float32)


def _matmul_forward(x, kernel, dtype):
    return _product(x, kernel, dtype), (x.astype(dtype), kernel.astype(dtype))


def _matmul_backward(dtype, saved, dy):
    x, kernel = saved
    rows = x.reshape(-1, x.shape[-1])
    return matmul(dy, kernel.T, dtype), matmul(rows.T, dy.reshape(-1, dy.shape[-1]), dtype)


_matmul = jax.custom_vjp(_product, nondiff_argnums=(2,))
_matmul.defvjp(_matmul_forward, _matmul_backward)


class Linear(nnx.Module):
    """x W + b; W starts uniform with variance gain² / inputs, b at 0 (LeCun et al. 2012)."""

    def __init__(self, inputs: int, outputs: int, *, draw: Draws, dtype=jnp.float32, gain: float = 1.0):
        self.dtype = jnp.dtype(dtype)
        self.kernel = nnx.Param(draw((inputs, outputs), gain * (3 / inputs) ** 0.5))
        self.bias = nnx.Param(jnp.zeros(outputs))

    def __call__(self, x: jax.Array) -> jax.Array:
        """[..., inputs] → float32 [..., outputs]."""
        return matmul(x, self.kernel[...], self.dtype) + self.bias[...]


class Mlp(nnx.Module):
    """Linear → ELU for each size."""

    def __init__(self, inputs: int, sizes: Sequence[int], *, draw: Draws, dtype=jnp.float32):
        widths = (inputs, *sizes)
        pairs = zip(widths[:-1], widths[1:], strict=True)
        self.layers = nnx.List([Linear(a, b, draw=draw, dtype=dtype) for a, b in pairs])
        self.outputs = widths[-1]

    def __call__(self, x: jax.Array) -> jax.Array:
        """float32 [..., inputs] → float32 [..., last size]."""
        for layer in self.layers:
            x = nnx.elu(layer(x))
        return x


class LayerNorm(nnx.Module):
    """Layer normalization over the last axis, with a scale and a bias for each of its features.

    Statistics are float32 sums of values and of squares, taken in one pass. That is enough where features
    differ from each other, as they do here; it would not be for features that are constant.

    Source: Ba et al. 2016.
    """

    def __init__(self, features: int):
        self.scale = nnx.Param(jnp.ones(features))
        self.bias = nnx.Param(jnp.zeros(features))

    def __call__(self, x: jax.Array) -> jax.Array:
        """[..., features] → the same shape and type."""
        wide = x.astype(jnp.float32)
        mean = jnp.mean(wide, -1, keepdims=True)
        var = jnp.maximum(jnp.mean(wide**2, -1, keepdims=True) - mean**2, 0.0)
        normed = (wide - mean) * jax.lax.rsqrt(var + 1e-6)
        return (normed * self.scale[...] + self.bias[...]).astype(x.dtype)
