"""Cameras of all envs of a device."""

from mjxdex.render.backends import DEPTH_RENDERERS, depth_renderer
from mjxdex.render.cameras import Cameras
from mjxdex.render.protocol import DepthRenderer, RgbRenderer, quantize
from mjxdex.render.tiled import TiledDepthRenderer
from mjxdex.render.warp import SIM_AXIS, WarpDepthRenderer, WarpRgbRenderer

__all__ = [
    "DEPTH_RENDERERS",
    "SIM_AXIS",
    "Cameras",
    "DepthRenderer",
    "RgbRenderer",
    "TiledDepthRenderer",
    "WarpDepthRenderer",
    "WarpRgbRenderer",
    "depth_renderer",
    "quantize",
]
