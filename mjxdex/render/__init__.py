"""Cameras of all envs of a device."""

from mjxdex.render.protocol import DepthRenderer, RgbRenderer, quantize
from mjxdex.render.warp import SIM_AXIS, WarpDepthRenderer, WarpRgbRenderer

__all__ = ["SIM_AXIS", "DepthRenderer", "RgbRenderer", "WarpDepthRenderer", "WarpRgbRenderer", "quantize"]
