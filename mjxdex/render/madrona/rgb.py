"""Colours of what Madrona's rays hit."""

import jax
import jax.numpy as jnp
import mujoco

from mjxdex.config import CameraConfig
from mjxdex.objects import ObjectSet
from mjxdex.render.cameras import Cameras
from mjxdex.render.looks import Looks
from mjxdex.render.madrona.renderer import MadronaTracer
from mjxdex.render.tiled_rgb import TiledRgbRenderer


class MadronaRgbRenderer(TiledRgbRenderer):
    """Colour cameras of the scene; see `RgbRenderer` and `MadronaTracer`.

    Madrona says which primitive each pixel sees; its colour comes from `shading`, as with our own renderer.
    Madrona's own materials cannot have a tint, a scale and a gloss of their own in each env.

    Args:
      model, objects, camera, num_envs, views, devices, shadows: as in TiledRgbRenderer.
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
    ) -> None:
        super().__init__(model, objects, camera, num_envs, views, devices, shadows)
        self._tracer = MadronaTracer(model, objects, camera.width, camera.height, num_envs, views, devices)

    def render(self, qpos: jax.Array, object_id: jax.Array, cameras: Cameras, looks: Looks) -> jax.Array:
        """See `RgbRenderer.render`; see `MadronaTracer.trace` about focal lengths."""
        frames = self.frames(qpos)
        flat = self.flat(cameras)
        placed, _ = self.place(frames, object_id, flat)
        primitive = self._tracer.trace(qpos, object_id, cameras)[1].astype(jnp.int16)
        primitive = primitive.reshape(-1, *primitive.shape[2:])
        return self.coloured(frames, object_id, flat, placed, primitive, looks)
