"""What every renderer does, and the 16-bit depth that crosses between devices."""

from typing import Protocol

import jax
import jax.numpy as jnp

from mjxdex.render.cameras import Cameras
from mjxdex.types import DEPTH_UNIT


class DepthRenderer(Protocol):
    """Renders the depth camera of all envs of a device."""

    def render(self, qpos: jax.Array, object_id: jax.Array, cameras: Cameras) -> jax.Array:
        """Images of the poses given, never of earlier ones; pure, callable inside jit and pmap.

        Args:
          qpos: float32 [N, 30], as in `PhysicsState`.
          object_id: int32 [N], which object of the set each env holds.
          cameras: each env's own camera; see `cameras.nominal` for the published one.

        Returns:
          Planar depth (along the optical axis), float32 [N, H, W], metres, 0 where nothing was hit; the first
          row is the top one.
        """
        ...


class RgbRenderer(Protocol):
    """Renders colour pictures of all envs of a device."""

    def render(self, qpos: jax.Array, object_id: jax.Array) -> jax.Array:
        """Like `DepthRenderer.render`, but from a fixed camera: uint8 [N, H, W, 3], to be shown as sRGB."""
        ...


def quantize(depth: jax.Array, depth_min: float, depth_max: float) -> jax.Array:
    """Rounds depth in metres to uint16 counts of DEPTH_UNIT; 0 for all outside [depth_min, depth_max]."""
    seen = (depth >= depth_min) & (depth <= depth_max)
    return jnp.where(seen, jnp.round(depth / DEPTH_UNIT), 0).astype(jnp.uint16)
