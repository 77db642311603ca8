"""The depth encoder: strided convolutions with layer normalization, then global average pooling."""

import jax
import jax.numpy as jnp
from flax import nnx

from mjxdex.config import NetworkConfig
from mjxdex.networks.convolution import halving_convolution, in_halves
from mjxdex.networks.layers import Draws, Linear
from mjxdex.networks.norm_relu import NormRelu
from mjxdex.types import DEPTH_UNIT


class DepthEncoder(nnx.Module):
    """Depth images to embeddings: (convolution → LayerNorm → ReLU) a layer → average pool → linear.

    Convolutions have stride 2 and no padding. Layer normalization takes its statistics over a whole
    image, [H, W, C], in float32, with one scale and one bias a channel. Statistics over the channels of
    each pixel alone, the usual choice for images, would hide the distance of every flat region, since the
    response to a constant patch is proportional to its depth. For the same reason the convolutions'
    biases start away from zero (uniform in ±1/√fan-in): they are the yardstick that the distance of a
    whole scene shows against.

    For the backward pass the inputs and results of all convolutions are kept.

    Source: filters, normalization and embedding: paper, Sec. III-B; kernel sizes, pooling and normalized
    axes: the published DextrAH monocular encoder, where ReLU comes before the normalization.
    """

    def __init__(self, config: NetworkConfig, *, draw: Draws):
        self.dtype = jnp.dtype(config.compute_dtype)
        self.shift, self.scale = config.depth_shift, config.depth_scale
        channels = (1, *config.cnn_filters)
        kernels, biases = [], []
        for i, (filters, size) in enumerate(zip(config.cnn_filters, config.cnn_kernels, strict=True)):
            inputs = size * size * channels[i]
            kernels.append(nnx.Param(draw((size, size, channels[i], filters), (3 / inputs) ** 0.5)))
            biases.append(nnx.Param(draw((filters,), inputs**-0.5)))
        self.kernels, self.biases = nnx.List(kernels), nnx.List(biases)
        self.norms = nnx.List([NormRelu(filters) for filters in config.cnn_filters])
        self.linear = Linear(channels[-1], config.embedding, draw=draw)

    def __call__(self, depth: jax.Array) -> jax.Array:
        """Embeds images.

        Args:
          depth: uint16 [N, H, W] in DEPTH_UNIT, or floating point [N, H, W] in metres; 0 where nothing
            was seen.

        Returns:
          float32 [N, embedding].
        """
        x, block = depth, 1
        for i, (kernel, bias, norm) in enumerate(zip(self.kernels, self.biases, self.norms, strict=True)):
            if i == 0:
                block_out = self._first_block(depth.shape)
                x = self._see(depth, kernel[...], block_out)
            else:
                block_out = 1
                x = halving_convolution(x, kernel[...].astype(self.dtype), block_in=block)
            x, block = norm(x, bias[...]), block_out
        return self.linear(jnp.mean(x, axis=(-3, -2), dtype=jnp.float32))

    def _see(self, depth: jax.Array, kernel: jax.Array, block_out: int) -> jax.Array:
        """The first convolution, of images as `__call__` takes them."""
        x = depth.astype(jnp.float32)[..., None]
        if jnp.issubdtype(depth.dtype, jnp.unsignedinteger):
            x = x * DEPTH_UNIT
        x = (x - self.shift) * self.scale
        if self.dtype == jnp.bfloat16:
            x, kernel = in_halves(x), jnp.concatenate([kernel, kernel], axis=2)
        return halving_convolution(x.astype(self.dtype), kernel.astype(self.dtype), block_out=block_out)

    def _first_block(self, shape: tuple[int, ...]) -> int:
        """Block size of the first layer's result: 2, as the second layer wants it, if its size is even."""
        kernel = self.kernels[0].shape[0]
        even = all(((length - kernel) // 2 + 1) % 2 == 0 for length in shape[1:])
        return 2 if even and len(self.kernels) > 1 else 1
