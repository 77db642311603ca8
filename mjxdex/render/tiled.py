"""Our own depth renderer: primitives only, culled by tile; see `tiles`."""

import jax
import mujoco
import warp as wp

from mjxdex.config import CameraConfig
from mjxdex.objects import ObjectSet
from mjxdex.render import tiles
from mjxdex.render.cameras import Cameras
from mjxdex.render.tiled_scene import TiledScene


class TiledDepthRenderer(TiledScene):
    """Depth camera of the scene; see `DepthRenderer`. Like the published task's camera it does not see the
    floor.

    It holds no state: any number of programs may call it at the same time, on any device.

    Args:
      model: from `scene.build(config, objects)`.
      objects: the set of that model.
      camera: resolution.
      num_envs: N, envs per device.
      devices: those that the calling program runs on, for which the kernels are compiled now; None for the
        default device.
      tile: how images are split. Changes the speed, not the images.

    Raises:
      ValueError: if the camera sees a geom that is no box, cylinder, capsule, ellipsoid or sphere.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        objects: ObjectSet,
        camera: CameraConfig,
        num_envs: int,
        devices: list[jax.Device] | None = None,
        tile: tiles.Tile = tiles.DEFAULT_TILE,
    ) -> None:
        trace = tiles.trace(tile)
        super().__init__(model, objects, camera, num_envs, 1, devices, tile, [(trace, tile.block)])
        self._trace = wp.jax_kernel(trace, block_dim=tile.block)

    def render(self, qpos: jax.Array, object_id: jax.Array, cameras: Cameras) -> jax.Array:
        """See `DepthRenderer.render`."""
        primitives, bounds = self.place(self.frames(qpos), object_id, cameras)
        return self.trace(cameras.focal, primitives, self.cull(cameras.focal, bounds))

    def trace(self, focal: jax.Array, primitives: jax.Array, masks: jax.Array) -> jax.Array:
        """Planar depth float32 [N, H, W], metres."""
        size = (*masks.shape[:2], self._tile.threads)
        dims = {"depth": (self.num_envs, *self._shape)}
        return self._trace(focal, primitives, masks, launch_dims=size, output_dims=dims)[0]
