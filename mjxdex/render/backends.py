"""Which implementation draws the depth images."""

import jax
import mujoco

from mjxdex.config import CameraConfig
from mjxdex.objects import ObjectSet
from mjxdex.render.protocol import DepthRenderer
from mjxdex.render.tiled import TiledDepthRenderer
from mjxdex.render.warp import WarpDepthRenderer

DEPTH_RENDERERS = {"tiled": TiledDepthRenderer, "mjwarp": WarpDepthRenderer}
"""By the name that `camera.renderer` has for them."""


def depth_renderer(
    model: mujoco.MjModel,
    objects: ObjectSet,
    camera: CameraConfig,
    num_envs: int,
    devices: list[jax.Device] | None = None,
) -> DepthRenderer:
    """The depth renderer that `camera.renderer` names.

    Args:
      model: from `scene.build(config, objects)`.
      objects: the set of that model.
      camera: resolution and renderer.
      num_envs: N, envs per device.
      devices: the devices of the pmapped program that calls it, in the order of its axis SIM_AXIS; None for a
        jitted program on the default device.
    """
    return DEPTH_RENDERERS[camera.renderer](model, objects, camera, num_envs, devices)
