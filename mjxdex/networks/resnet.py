"""ResNet-18 without its last pooling and layer: images to a map of features."""

import jax
import jax.numpy as jnp
from flax import nnx

from mjxdex.networks.layers import Draws

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))
"""Filters and stride of each pair of residual blocks. Source: He et al. 2016, Table 1."""
FEATURES = STAGES[-1][0]
_DIMENSIONS = ("NHWC", "HWIO", "NHWC")


class ConvAffine(nnx.Module):
    """Convolution, padded by half the kernel, then a scale and a shift for each filter.

    Scale and shift stand for batch normalization with frozen statistics: a pretrained network's statistics
    are folded into them (`resnet_weights`), and both are learned like any other parameter. So an image's
    features depend on that image alone, acting and learning see the same network, and the split of the envs
    over devices changes nothing. Kernels start as He et al. 2015 (uniform, fan-out), scales at `scale`,
    shifts at 0.
    """

    def __init__(self, inputs: int, filters: int, size: int, stride: int, *, draw: Draws, dtype, scale=1.0):
        self.dtype, self.stride = jnp.dtype(dtype), stride
        self.kernel = nnx.Param(
            draw((size, size, inputs, filters), (6 / (size * size * filters)) ** 0.5),
        )
        self.scale = nnx.Param(jnp.full(filters, scale, jnp.float32))
        self.shift = nnx.Param(jnp.zeros(filters))

    def __call__(self, x: jax.Array) -> jax.Array:
        """[N, H, W, inputs] → [N, ⌈H / stride⌉, ⌈W / stride⌉, filters] in the compute type."""
        pad = self.kernel.shape[0] // 2
        y = jax.lax.conv_general_dilated(
            x.astype(self.dtype),
            self.kernel[...].astype(self.dtype),
            (self.stride, self.stride),
            ((pad, pad), (pad, pad)),
            dimension_numbers=_DIMENSIONS,
        )
        return (y * self.scale[...] + self.shift[...]).astype(self.dtype)


class Residual(nnx.Module):
    """Two 3×3 convolutions beside a shortcut, which is a 1×1 convolution where size or filters change.

    The second convolution's scale starts at 0, so that a fresh block passes its input on (Goyal et al. 2017):
    without statistics of its own a deep stack would blow up.
    """

    def __init__(self, inputs: int, filters: int, stride: int, *, draw: Draws, dtype):
        self.first = ConvAffine(inputs, filters, 3, stride, draw=draw, dtype=dtype)
        self.second = ConvAffine(filters, filters, 3, 1, draw=draw, dtype=dtype, scale=0.0)
        changes = stride > 1 or inputs != filters
        self.shortcut = ConvAffine(inputs, filters, 1, stride, draw=draw, dtype=dtype) if changes else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """[N, H, W, inputs] → [N, ⌈H / stride⌉, ⌈W / stride⌉, filters]."""
        y = self.second(nnx.relu(self.first(x)))
        return nnx.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet18(nnx.Module):
    """He et al. 2016 as torchvision has it, up to its last residual block."""

    def __init__(self, *, draw: Draws, dtype=jnp.float32):
        self.stem = ConvAffine(3, STAGES[0][0], 7, 2, draw=draw, dtype=dtype)
        blocks, inputs = [], STAGES[0][0]
        for filters, stride in STAGES:
            blocks.append(Residual(inputs, filters, stride, draw=draw, dtype=dtype))
            blocks.append(Residual(filters, filters, 1, draw=draw, dtype=dtype))
            inputs = filters
        self.blocks = nnx.List(blocks)
        self.outputs = FEATURES

    def __call__(self, x: jax.Array) -> jax.Array:
        """Images [N, H, W, 3] → features [N, h, w, 512] in the compute type; see `size`."""
        x = nnx.relu(self.stem(x))
        # Values are not negative here, so zeros pad as well as minus infinity would.
        x = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        x = nnx.max_pool(x, window_shape=(3, 3), strides=(2, 2), padding="VALID")
        for block in self.blocks:
            x = block(x)
        return x

    @staticmethod
    def size(height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the features of images of this size: a 32nd, rounded up."""
        return -(-height // 32), -(-width // 32)
