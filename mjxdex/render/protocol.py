"""What every renderer does."""

from typing import Protocol

import jax

from mjxdex.render.cameras import Cameras
from mjxdex.render.looks import Looks


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
    """Renders V colour cameras of each env of a device, for policies."""

    def render(self, qpos: jax.Array, object_id: jax.Array, cameras: Cameras, looks: Looks) -> jax.Array:
        """Images of the poses given, never of earlier ones; pure, callable inside jit and pmap.

        Args:
          qpos: float32 [N, 30], as in `PhysicsState`.
          object_id: int32 [N], which object of the set each env holds.
          cameras: leaves [N, V, ...]; see `stereo.nominal` for the published pair.
          looks: textures, light and backgrounds of each env.

        Returns:
          uint8 [N, V, H, W, 3], sRGB; the first row is the top one.
        """
        ...
