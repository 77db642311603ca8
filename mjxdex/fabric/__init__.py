"""The geometric fabric between the policy's actions and the joint targets."""

from mjxdex.fabric.fabric import FabricState, step

__all__ = ["FabricState", "step"]
