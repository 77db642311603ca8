"""Layer normalization over whole images and ReLU in one, with a gradient that passes over the images once."""

import jax
import jax.numpy as jnp
from flax import nnx

from mjxdex.networks import norm_relu_kernels as kernels
from mjxdex.networks.convolution import in_blocks

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

    def __call__(self, x: jax.Array, shift: jax.Array, *, block: int = 1) -> jax.Array:
        """Normalizes x + shift.

        Args:
          x: [N, H, W, C or a multiple, in which the channels repeat].
          shift: float32 [C], the bias of the convolution that gave x.
          block: Pixels a side of the result's blocks.

        Returns:
          The result of the type of x: [N, H, W, as x], or if `block` is not 1 as `in_blocks` rearranges it.
        """
        repeats = x.shape[-1] // shift.shape[0]
        vectors = (jnp.tile(vector, repeats) for vector in (shift, self.scale[...], self.bias[...]))
        return _norm_relu(x, *vectors, block)


def _primal(x, shift, scale, bias, block):
    return _forward(x, shift, scale, bias, block)[0]


def _forward(x, shift, scale, bias, block):
    """x [N, H, W, C], vectors [C] → the result in blocks, and what the gradient needs."""
    run = kernels.forward if kernels.fit(x) else _plain_forward
    y, mean, inverse = run(x, shift, scale, bias, epsilon=EPSILON, block=block)
    return y, (x, shift, scale, bias, mean, inverse)


def _backward(block, saved, dy):
    """All gradients but that of x follow from three sums over H and W, [N, C]: of dz, of dz x̂, and of x̂.

    x̂ is the normalized x, and dz is dy where the result is positive.
    """
    x, shift, scale, bias, mean, inverse = saved
    run = kernels.backward if kernels.fit(x) else _plain_backward
    dx, *sums = run(x, dy, shift, scale, bias, mean, inverse, block=block)
    dz, dz_normed, normed = sums
    pixels = x.shape[1] * x.shape[2]
    along, across = _means(sums, scale, pixels)
    dshift = inverse[:, None] * (dz * scale - pixels * along - normed * across)
    return dx, *(jnp.sum(per_image, 0) for per_image in (dshift, dz_normed, dz))


def _means(sums, scale, pixels):
    """Means over an image, [N, 1], of dz scale and dz scale x̂: what its mean and its deviation take away."""
    count = pixels * len(scale)
    return tuple(jnp.sum(total * scale, 1, keepdims=True) / count for total in sums[:2])


def _plain_forward(x, shift, scale, bias, *, epsilon, block):
    """What `kernels.forward` does."""
    dtype, x = x.dtype, x.astype(jnp.float32) + shift
    mean = jnp.mean(x, (1, 2, 3))
    var = jnp.maximum(jnp.mean(x**2, (1, 2, 3)) - mean**2, 0.0)
    inverse = jax.lax.rsqrt(var + epsilon)
    normed = (x - _over_image(mean)) * _over_image(inverse)
    return in_blocks(nnx.relu(normed * scale + bias).astype(dtype), block), mean, inverse


def _plain_backward(x, dy, shift, scale, bias, mean, inverse, *, block):
    """What `kernels.backward` does."""
    images = jax.ShapeDtypeStruct(x.shape, dy.dtype)  # `layers.matmul` gives float32 to bfloat16 images
    [dy] = jax.linear_transpose(lambda y: in_blocks(y, block), images)(dy)
    normed = (x.astype(jnp.float32) + shift - _over_image(mean)) * _over_image(inverse)
    dz = jnp.where(normed * scale + bias > 0, dy.astype(jnp.float32), 0.0)
    sums = [jnp.sum(a, (1, 2)) for a in (dz, dz * normed, normed)]
    along, across = (_over_image(mean[:, 0]) for mean in _means(sums, scale, x.shape[1] * x.shape[2]))
    dx = _over_image(inverse) * (dz * scale - along - normed * across)
    return dx.astype(x.dtype), *sums


def _over_image(number):
    """[N] → [N, 1, 1, 1]."""
    return number[:, None, None, None]


_norm_relu = jax.custom_vjp(_primal, nondiff_argnums=(4,))
_norm_relu.defvjp(_forward, _backward)
