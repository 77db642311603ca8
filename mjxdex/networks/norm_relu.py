"""Layer normalization over whole images and ReLU in one, with a gradient that passes over the images once."""

import jax
import jax.numpy as jnp
from flax import nnx

from mjxdex.networks import norm_relu_kernels as kernels

EPSILON = 1e-6


class NormRelu(nnx.Module):
    """ReLU of layer normalization over [H, W, C], with one scale and one bias a channel.

    Statistics are float32 sums of values and of squares, taken in one pass. That is enough where channels
    differ from each other, as they do here; it would not be for images that are constant.

    Source: Ba et al. 2016.
    """

    def __init__(self, channels: int):
        self.scale = nnx.Param(jnp.ones(channels))
        self.bias = nnx.Param(jnp.zeros(channels))

    def __call__(self, x: jax.Array, shift: jax.Array) -> jax.Array:
        """Normalizes x + shift.

        Args:
          x: [N, H, W, C or a multiple, in which the channels repeat].
          shift: float32 [C], the bias of the convolution that gave x.

        Returns:
          The same shape and type as x.
        """
        repeats = x.shape[-1] // shift.shape[0]
        vectors = (jnp.tile(vector, repeats)[None] for vector in (shift, self.scale[...], self.bias[...]))
        return _norm_relu(x.reshape(x.shape[0], -1, x.shape[-1]), *vectors).reshape(x.shape)


def _primal(x, shift, scale, bias):
    return _forward(x, shift, scale, bias)[0]


def _forward(x, shift, scale, bias):
    """x [N, R, C], vectors [1, C] → the result [N, R, C], and what the gradient needs."""
    run = kernels.forward if kernels.fit(x) else _plain_forward
    y, mean, inverse = run(x, shift, scale, bias, EPSILON)
    return y, (x, shift, scale, bias, mean, inverse)


def _backward(saved, dy):
    """All gradients but that of x follow from three sums over R, [N, C]: of dz, of dz x̂, and of x̂.

    x̂ is the normalized x, and dz is dy where the result is positive.
    """
    x, shift, scale, bias, mean, inverse = saved
    run = kernels.backward if kernels.fit(x) else _plain_backward
    dx, *sums = run(x, dy, shift, scale, bias, mean, inverse)
    dz, dz_normed, normed = sums
    along, across = _means(sums, scale, x.shape[1])
    dshift = inverse[:, None] * (dz * scale - x.shape[1] * along - normed * across)
    return dx, *(jnp.sum(per_image, 0, keepdims=True) for per_image in (dshift, dz_normed, dz))


def _means(sums, scale, rows):
    """Means over an image, [N, 1], of dz scale and dz scale x̂: what its mean and its deviation take away."""
    count = rows * scale.shape[1]
    return tuple(jnp.sum(total * scale, 1, keepdims=True) / count for total in sums[:2])


def _plain_forward(x, shift, scale, bias, epsilon):
    """What `kernels.forward` does."""
    dtype, x = x.dtype, x.astype(jnp.float32) + shift
    mean = jnp.mean(x, (1, 2))
    var = jnp.maximum(jnp.mean(x**2, (1, 2)) - mean**2, 0.0)
    inverse = jax.lax.rsqrt(var + epsilon)
    normed = (x - mean[:, None, None]) * inverse[:, None, None]
    return nnx.relu(normed * scale + bias).astype(dtype), mean, inverse


def _plain_backward(x, dy, shift, scale, bias, mean, inverse):
    """What `kernels.backward` does."""
    normed = (x.astype(jnp.float32) + shift - mean[:, None, None]) * inverse[:, None, None]
    dz = jnp.where(normed * scale + bias > 0, dy.astype(jnp.float32), 0.0)
    sums = [jnp.sum(a, 1) for a in (dz, dz * normed, normed)]
    along, across = _means(sums, scale, x.shape[1])
    dx = inverse[:, None, None] * (dz * scale - along[:, None] - normed * across[:, None])
    return dx.astype(x.dtype), *sums


_norm_relu = jax.custom_vjp(_primal)
_norm_relu.defvjp(_forward, _backward)
