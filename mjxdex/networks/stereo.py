"""The stereo encoder: two RGB images to one embedding."""

import jax
import jax.numpy as jnp
from flax import nnx

from mjxdex.config import Config
from mjxdex.networks.cnn import Convolutions
from mjxdex.networks.cross_attention import CrossTransformer
from mjxdex.networks.layers import Draws, Linear
from mjxdex.networks.resnet import ResNet18

IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_STD = (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue, 0 to 1: what pretrained backbones are used to."""


class StereoEncoder(nnx.Module):
    """One backbone for both images → Linear and ReLU a cell → CrossTransformer → Linear, GELU, Linear.

    Source: published DextrAH stereo student; robot_and_fabric.md 7.3. It pools its features to 8 x 16 cells,
    here each cell of the backbone's map is a token.
    """

    def __init__(self, config: Config, *, draw: Draws):
        dtype = jnp.dtype(config.network.compute_dtype)
        distill = config.distill
        if distill.backbone == "resnet18":
            self.backbone = ResNet18(draw=draw, dtype=dtype)
        else:
            self.backbone = Convolutions(config.network, 3, draw=draw)
        rows, columns = self.backbone.size(config.rgb.height, config.rgb.width)
        width = distill.token_width
        self.cell = Linear(self.backbone.outputs, width, draw=draw, dtype=dtype)
        self.transformer = CrossTransformer(distill, rows * columns, draw=draw, dtype=dtype)
        self.head = Linear(width, width, draw=draw, dtype=dtype)
        self.hidden = Linear(width, width, draw=draw, dtype=dtype)
        self.embedding = Linear(width, config.network.embedding, draw=draw)

    def __call__(self, images: jax.Array, keys: jax.Array | None = None) -> jax.Array:
        """Embeds pairs of images.

        Args:
          images: sRGB, left and right eye, both upright: uint8 [N, 2, H, W, 3], or floating point, 0 to 1.
          keys: one PRNG key per pair [N], for dropout; None while acting.

        Returns:
          float32 [N, embedding].
        """
        x = images.astype(jnp.float32)
        if jnp.issubdtype(images.dtype, jnp.unsignedinteger):
            x = x / 255
        x = (x - jnp.asarray(IMAGE_MEAN)) / jnp.asarray(IMAGE_STD)
        features = self.backbone(x.reshape(-1, *x.shape[2:]))
        cells = features.shape[1] * features.shape[2]
        features = features.reshape(-1, 2, cells, features.shape[3])
        x = self.transformer(nnx.relu(self.cell(features)), keys)
        return self.embedding(nnx.gelu(self.hidden(self.head(x))))
