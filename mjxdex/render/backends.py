"""Which implementation draws the depth images."""

import jax
import mujoco

from mjxdex.config import Config
from mjxdex.objects import ObjectSet
from mjxdex.render.protocol import DepthRenderer
from mjxdex.render.tiled import TiledDepthRenderer
from mjxdex.render.warp import WarpDepthRenderer

DEPTH_RENDERERS = {"warp": TiledDepthRenderer, "mjwarp": WarpDepthRenderer}
"""By the name that `render.backend` has for them."""


def depth_renderer(
    model: mujoco.MjModel,
    objects: ObjectSet,
    config: Config,
    num_envs: int,
    devices: list[jax.Device] | None = None,
) -> DepthRenderer:
    """The depth renderer that `render.backend` names.

    Args:
      model: from `scene.build(config, objects)`.
      objects: the set of that model.
      config: the backend, and the resolution of the camera.
      num_envs: N, envs per device.
      devices: the devices of the pmapped program that calls it, in the order of its axis SIM_AXIS; None for a
        jitted program on the default device.
    """
    return DEPTH_RENDERERS[config.render.backend](model, objects, config.camera, num_envs, devices)
