"""Physics of one device's envs in MJX-Warp."""

from mjxdex.physics.worlds import PhysicsState, Worlds

__all__ = ["PhysicsState", "Worlds"]
