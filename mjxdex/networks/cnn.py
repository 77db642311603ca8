"""Strided convolutions with layer normalization, and the depth encoder made of them."""

import math

import jax
import jax.numpy as jnp
from flax import nnx

from mjxdex.config import NetworkConfig
from mjxdex.networks.convolution import halving_convolution, in_halves
from mjxdex.networks.layers import Draws, Linear
from mjxdex.networks.norm_relu import NormRelu
from mjxdex.types import DEPTH_UNIT


class Convolutions(nnx.Module):
    """(convolution → LayerNorm → ReLU) a layer.

    Convolutions have stride 2 and no padding. Layer normalization takes its statistics over a whole
    image, [H, W, C], in float32, with one scale and one bias a channel. Statistics over the channels of
    each pixel alone, the usual choice for images, would hide the distance of every flat region, since the
    response to a constant patch is proportional to its depth. For the same reason the convolutions'
    biases start away from zero (uniform in ±1/√fan-in): they are the yardstick that the distance of a
    whole scene shows against.

    For the backward pass the inputs and results of all convolutions are kept.

    Source: filters and normalization: paper, Sec. III-B; kernel sizes and normalized axes: the published
    DextrAH monocular encoder, where ReLU comes before the normalization.
    """

    def __init__(self, config: NetworkConfig, inputs: int, *, draw: Draws):
        self.dtype = jnp.dtype(config.compute_dtype)
        channels = (inputs, *config.cnn_filters)
        kernels, biases = [], []
        for i, (filters, size) in enumerate(zip(config.cnn_filters, config.cnn_kernels, strict=True)):
            fan_in = size * size * channels[i]
            kernels.append(nnx.Param(draw((size, size, channels[i], filters), (3 / fan_in) ** 0.5)))
            biases.append(nnx.Param(draw((filters,), fan_in**-0.5)))
        self.kernels, self.biases = nnx.List(kernels), nnx.List(biases)
        self.norms = nnx.List([NormRelu(filters) for filters in config.cnn_filters])
        self.outputs = channels[-1]

    def __call__(self, x: jax.Array) -> jax.Array:
        """[N, H, W, inputs] → [N, h, w, outputs] in the compute type; see `size`."""
        block, shape = 1, x.shape[1:3]
        for i, (kernel, bias, norm) in enumerate(zip(self.kernels, self.biases, self.norms, strict=True)):
            shape = _halved(shape, kernel)
            block_in, block = block, self._next_block(i, shape)
            if i == 0:
                block_out = block if _even(shape) else 1
                x = self._see(x, kernel[...], block_out)
            else:
                block_out = 1
                x = halving_convolution(x, kernel[...].astype(self.dtype), block_in=block_in)
            x = norm(x, bias[...], block=block // block_out)
        return x

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the features of images of this size."""
        shape = height, width
        for kernel in self.kernels:
            shape = _halved(shape, kernel)
        return shape

    def _see(self, x: jax.Array, kernel: jax.Array, block_out: int) -> jax.Array:
        """The first convolution."""
        return halving_convolution(x.astype(self.dtype), kernel.astype(self.dtype), block_out=block_out)

    def _next_block(self, layer: int, shape: tuple[int, ...]) -> int:
        """Block size of the layer's normalized images of this size: 2, as the next convolution wants them.

        Blocks leave out a last odd row or column, which only kernels of odd size look at.
        """
        if layer + 1 == len(self.kernels):
            return 1
        size = self.kernels[layer + 1].shape[0]
        return 2 if size % 2 == 0 or _even(shape) else 1


def _halved(shape: tuple[int, ...], kernel: nnx.Param) -> tuple[int, int]:
    """Rows and columns after the convolution with a kernel."""
    rows, columns = ((length - kernel.shape[0]) // 2 + 1 for length in shape)
    return rows, columns


def _even(shape: tuple[int, ...]) -> bool:
    return all(length % 2 == 0 for length in shape)


class DepthEncoder(Convolutions):
    """Depth images [H, W] of one size to embeddings: convolutions → average pool, or none → linear.

    Source: embedding: paper, Sec. III-B; pooling: the published DextrAH monocular encoder.
    """

    def __init__(self, config: NetworkConfig, image: tuple[int, int], *, draw: Draws):
        super().__init__(config, 1, draw=draw)
        self.shift, self.scale = config.depth_shift, config.depth_scale
        self.pooled = config.pooling == "mean"
        cells = 1 if self.pooled else math.prod(self.size(*image))
        dtype = jnp.float32 if self.pooled else self.dtype
        self.linear = Linear(cells * self.outputs, config.embedding, draw=draw, dtype=dtype)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Embeds images.

        Args:
          x: uint16 [N, H, W] in DEPTH_UNIT, or floating point [N, H, W] in metres; 0 where nothing was seen.

        Returns:
          float32 [N, embedding].
        """
        metres = x.astype(jnp.float32)[..., None]
        if jnp.issubdtype(x.dtype, jnp.unsignedinteger):
            metres = metres * DEPTH_UNIT
        scaled = (metres - self.shift) * self.scale
        features = super().__call__(scaled)
        if self.pooled:
            return self.linear(jnp.mean(features, axis=(-3, -2), dtype=jnp.float32))
        return self.linear(features.reshape(-1, math.prod(features.shape[1:])))

    def _see(self, x: jax.Array, kernel: jax.Array, block_out: int) -> jax.Array:
        if self.dtype == jnp.bfloat16:
            x, kernel = in_halves(x), jnp.concatenate([kernel, kernel], axis=2)
        return super()._see(x, kernel, block_out)
