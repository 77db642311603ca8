"""Madrona's batch renderer (package gs-madrona) behind the protocols of `render`; NVIDIA GPUs only."""

from mjxdex.render.madrona.renderer import MadronaDepthRenderer
from mjxdex.render.madrona.rgb import MadronaRgbRenderer

__all__ = ["MadronaDepthRenderer", "MadronaRgbRenderer"]
