"""Physics of one device's envs in MJX-Warp."""

from mjxdex.physics import warp_settings as warp_settings  # before MJX traces anything
from mjxdex.physics.worlds import PhysicsState, Worlds

__all__ = ["PhysicsState", "Worlds"]
