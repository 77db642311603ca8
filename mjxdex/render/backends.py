"""Which implementation draws the images."""

from dataclasses import replace

import jax
import mujoco

from mjxdex.config import Config, ConfigError
from mjxdex.objects import ObjectSet
from mjxdex.render.madrona import MadronaDepthRenderer, MadronaRgbRenderer
from mjxdex.render.protocol import DepthRenderer, RgbRenderer
from mjxdex.render.tiled import TiledDepthRenderer
from mjxdex.render.tiled_rgb import TiledRgbRenderer
from mjxdex.render.warp import WarpDepthRenderer

DEPTH_RENDERERS = {
    "warp": TiledDepthRenderer,
    "mjwarp": WarpDepthRenderer,
    "madrona": MadronaDepthRenderer,
}
"""By the name that `render.backend` has for them."""
RGB_RENDERERS = {"warp": TiledRgbRenderer, "madrona": MadronaRgbRenderer}
"""Likewise, of those that draw colours."""


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


def rgb_renderer(
    model: mujoco.MjModel,
    objects: ObjectSet,
    config: Config,
    num_envs: int,
    views: int,
    devices: list[jax.Device] | None = None,
) -> RgbRenderer:
    """The colour renderer that `render.backend` names, at the resolution of `config.rgb`.

    Args:
      views: V, cameras per env.
      model, objects, config, num_envs, devices: as in `depth_renderer`.

    Raises:
      ConfigError: if that backend draws no colours, or cannot vary the focal length as `rgb.focal` asks.
    """
    renderer = RGB_RENDERERS.get(config.render.backend)
    if renderer is None:
        raise ConfigError(
            f"render.backend {config.render.backend} draws no stereo RGB; allowed: {', '.join(RGB_RENDERERS)}"
        )
    if config.render.backend == "madrona" and config.rgb.focal:
        raise ConfigError(
            "render.backend madrona has one focal length for all envs and episodes; set rgb.focal to 0 (it "
            f"is {config.rgb.focal}), or choose another backend"
        )
    camera = replace(config.camera, width=config.rgb.width, height=config.rgb.height)
    return renderer(model, objects, camera, num_envs, views, devices)
