"""Cameras of all envs of a device."""

from mjxdex.render.backends import DEPTH_RENDERERS, RGB_RENDERERS, depth_renderer, rgb_renderer
from mjxdex.render.cameras import Cameras
from mjxdex.render.depth_camera import DepthCamera, DepthView, quantize
from mjxdex.render.protocol import DepthRenderer, RgbRenderer
from mjxdex.render.stereo_camera import StereoCamera, StereoView
from mjxdex.render.tiled import TiledDepthRenderer
from mjxdex.render.tiled_rgb import TiledRgbRenderer
from mjxdex.render.warp import SIM_AXIS, WarpDepthRenderer, WarpRgbRenderer

__all__ = [
    "DEPTH_RENDERERS",
    "RGB_RENDERERS",
    "SIM_AXIS",
    "Cameras",
    "DepthCamera",
    "DepthRenderer",
    "DepthView",
    "RgbRenderer",
    "StereoCamera",
    "StereoView",
    "TiledDepthRenderer",
    "TiledRgbRenderer",
    "WarpDepthRenderer",
    "WarpRgbRenderer",
    "depth_renderer",
    "quantize",
    "rgb_renderer",
]
