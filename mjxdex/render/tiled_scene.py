"""What the tiled renderers share: the primitives of all envs before their cameras, culled by tile."""

from collections.abc import Iterable

import jax
import mujoco
import warp as wp

from mjxdex.config import CameraConfig
from mjxdex.objects import ObjectSet
from mjxdex.physics import warp_settings as _  # noqa: F401  quiet Warp
from mjxdex.render import primitives, tiles
from mjxdex.render.cameras import Cameras


class TiledScene:
    """M = N V images of N envs, V of each; cameras and images of an env follow one another along M.

    It holds no state: any number of programs may call it at the same time, on any device.

    Args:
      model, objects, camera, num_envs, devices, tile: as in `TiledDepthRenderer`.
      views: V.
      kernels: the renderer's own, each with its threads per CUDA block or None for Warp's choice.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        objects: ObjectSet,
        camera: CameraConfig,
        num_envs: int,
        views: int,
        devices: list[jax.Device] | None,
        tile: tiles.Tile,
        kernels: Iterable[tuple[wp.Kernel, int | None]],
    ) -> None:
        self.num_envs = num_envs
        self._views = views
        self._shape = (camera.height, camera.width)
        self._tile = tile
        self._frame_id, *self._tables = primitives.tabulate(model, objects)
        cull = tiles.cull(tile)
        for device in {str(wp.device_from_jax(device)) for device in devices or jax.devices()[:1]}:
            for kernel, block in ((tiles.place, None), (cull, None), *kernels):
                wp.load_module(kernel.module, device, block_dim=block)
        self._place = wp.jax_kernel(tiles.place, num_outputs=2)
        self._cull = wp.jax_kernel(cull)

    def frames(self, qpos: jax.Array) -> jax.Array:
        """What the primitives are fixed to, [N, 25, 4, 3], metres; see `primitives.frames`.

        Raises:
          ValueError: if this is not the number of envs that the renderer was made for.
        """
        if qpos.shape[0] != self.num_envs:
            raise ValueError(f"qpos holds {qpos.shape[0]} envs; this renderer was made for {self.num_envs}")
        return jax.vmap(primitives.frames)(qpos)

    def place(self, frames: jax.Array, object_id: jax.Array, cameras: Cameras) -> tuple[jax.Array, jax.Array]:
        """Primitives before the cameras [M, G, 4, 4] and their screen bounds [M, G, 4]."""
        size = (self.num_envs * self._views, len(self._frame_id))
        placed, bounds = self._place(
            frames,
            cameras.pos,
            cameras.rot,
            object_id,
            self._frame_id,
            *self._tables,
            self._views,
            launch_dims=size,
            output_dims=dict.fromkeys(("primitives", "bounds"), size),
        )
        return placed, bounds

    def cull(self, focal: jax.Array, bounds: jax.Array) -> jax.Array:
        """Which primitives each tile may see, as bits: uint32 [M, tiles, words]."""
        height, width = self._shape
        size = (len(focal), self._tile.count(width, height))
        dims = {"masks": (*size, tiles.words(len(self._frame_id)))}
        return self._cull(focal, bounds, width, height, launch_dims=size, output_dims=dims)[0]
