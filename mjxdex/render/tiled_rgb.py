"""Our own colour renderer: the tiled depth renderer's rays, then `shading`."""

import jax
import jax.numpy as jnp
import mujoco
import warp as wp

from mjxdex.config import CameraConfig
from mjxdex.objects import ObjectSet
from mjxdex.render import primitives, shading, shadows, texture_sampling, tiles
from mjxdex.render.cameras import Cameras
from mjxdex.render.looks import Looks
from mjxdex.render.textures import background_bank
from mjxdex.render.tiled_scene import TiledScene

_LIGHT_KERNELS = (shadows.light_bounds, shadows.light_cull)


class TiledRgbRenderer(TiledScene):
    """Colour cameras of the scene; see `RgbRenderer`. Like the depth cameras they do not see the floor.

    It holds no state: any number of programs may call it at the same time, on any device. Each of them keeps
    its own copy of the textures (19 MB) and backgrounds (32 times 12 bytes per pixel of an image).

    Args:
      model: from `scene.build(config, objects)`.
      objects: the set of that model.
      camera: resolution.
      num_envs: N, envs per device.
      views: V, cameras per env.
      devices: those that the calling program runs on, for which the kernels are compiled now; None for the
        default device.
      shadows: whether things cast shadows in the main light.
      tile: how images are split. Changes the speed, not the images.

    Raises:
      ValueError: if the cameras see a geom that is no box, cylinder, capsule, ellipsoid or sphere.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        objects: ObjectSet,
        camera: CameraConfig,
        num_envs: int,
        views: int,
        devices: list[jax.Device] | None = None,
        shadows: bool = True,
        tile: tiles.Tile = tiles.DEFAULT_TILE,
    ) -> None:
        identify, shade = tiles.identify(tile), shading.shade(shadows)
        kernels = [(identify, tile.block), (shade, shading.PATCH), *((k, None) for k in _LIGHT_KERNELS)]
        super().__init__(model, objects, camera, num_envs, views, devices, tile, kernels)
        self._shadows = shadows
        self._part = primitives.parts(model)
        self._textures = texture_sampling.packed()
        self._backgrounds = background_bank(camera.height, camera.width)
        self._identify = wp.jax_kernel(identify, block_dim=tile.block)
        self._shade = wp.jax_kernel(shade, block_dim=shading.PATCH)
        self._light_bounds, self._light_cull = (wp.jax_kernel(kernel) for kernel in _LIGHT_KERNELS)

    def render(self, qpos: jax.Array, object_id: jax.Array, cameras: Cameras, looks: Looks) -> jax.Array:
        """See `RgbRenderer.render`."""
        frames = self.frames(qpos)
        flat = self.flat(cameras)
        placed, bounds = self.place(frames, object_id, flat)
        primitive = self.identify(flat.focal, placed, self.cull(flat.focal, bounds))
        return self.coloured(frames, object_id, flat, placed, primitive, looks)

    def coloured(
        self,
        frames: jax.Array,
        object_id: jax.Array,
        flat: Cameras,
        placed: jax.Array,
        primitive: jax.Array,
        looks: Looks,
    ) -> jax.Array:
        """Colours uint8 [N, V, H, W, 3] of what the pixels see, with light and shadows."""
        light = self.light_masks(frames, object_id, looks.light_dir)
        return self.shade(flat, placed, primitive, looks, *light)

    def flat(self, cameras: Cameras) -> Cameras:
        """Cameras [N, V, ...] as [M, ...].

        Raises:
          ValueError: if V is not the number of views that the renderer was made for.
        """
        if cameras.focal.shape != (self.num_envs, self._views):
            raise ValueError(
                f"cameras are for (envs, views) {cameras.focal.shape}; "
                f"this renderer was made for {(self.num_envs, self._views)}"
            )
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), cameras)

    def identify(self, focal: jax.Array, placed: jax.Array, masks: jax.Array) -> jax.Array:
        """The primitive that each pixel sees, int16 [M, H, W], or tiles.NOTHING."""
        size = (*masks.shape[:2], self._tile.threads)
        dims = {"primitive": (len(focal), *self._shape)}
        return self._identify(focal, placed, masks, launch_dims=size, output_dims=dims)[0]

    def light_masks(
        self, frames: jax.Array, object_id: jax.Array, light_dir: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """The light's view: masks uint32 [N, cells, words] and area [N, 4], see `shadows`; or dummies."""
        if not self._shadows:
            return jnp.zeros((1, 1, 1), jnp.uint32), jnp.zeros((1, 4))
        size = (self.num_envs, len(self._frame_id))
        bounds = self._light_bounds(
            frames, light_dir, object_id, self._frame_id, *self._tables, launch_dims=size, output_dims=size
        )[0]
        low, high = bounds.min(axis=1), bounds.max(axis=1)
        area = jnp.stack((low[:, 0], high[:, 1], low[:, 2], high[:, 3]), axis=1)
        dims = (self.num_envs, shadows.CELLS**2)
        masks = {"masks": (*dims, tiles.words(len(self._frame_id)))}
        return self._light_cull(bounds, area, launch_dims=dims, output_dims=masks)[0], area

    def shade(
        self,
        flat: Cameras,
        placed: jax.Array,
        primitive: jax.Array,
        looks: Looks,
        light_masks: jax.Array,
        light_area: jax.Array,
    ) -> jax.Array:
        """Colours uint8 [N, V, H, W, 3]."""
        height, width = self._shape
        patches = -(-width // shading.PATCH_WIDTH) * -(-height // shading.PATCH_HEIGHT)
        share = looks.background_shift.reshape(-1, 2)
        crop = jnp.round(share * jnp.array([width, height])).astype(jnp.int32)
        rgb = self._shade(
            flat.pos,
            flat.rot,
            flat.focal,
            placed,
            primitive,
            self._part,
            _material(looks),
            jnp.stack((looks.light_dir, looks.light, looks.sky, looks.ground), axis=1),
            self._textures,
            looks.background,
            crop,
            self._backgrounds,
            light_masks,
            light_area,
            launch_dims=(len(flat.focal), patches, shading.PATCH),
            output_dims=(len(flat.focal), height, width),
        )[0]
        return rgb.reshape(self.num_envs, self._views, height, width, 3)


def _material(looks: Looks) -> jax.Array:
    """[N, P, 3, 4], see `shading.shade`."""
    cos, sin = jnp.cos(looks.texture_turn), jnp.sin(looks.texture_turn)
    turn = jnp.stack((cos, -sin, sin, cos), axis=-1)
    return jnp.stack(
        (
            jnp.concatenate((looks.tint, looks.texture[..., None].astype(jnp.float32)), axis=-1),
            turn * jnp.repeat(looks.texture_scale, 2, axis=-1),
            jnp.stack(
                (looks.roughness, looks.metallic, looks.specular, looks.texture_scale.max(axis=-1)), axis=-1
            ),
        ),
        axis=2,
    )
