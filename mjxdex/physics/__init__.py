"""Physics of one device's envs in MJX-Warp."""

from mjxdex.physics.world_params import WorldParams, nominal
from mjxdex.physics.worlds import PhysicsState, Reading, Worlds

__all__ = ["PhysicsState", "Reading", "WorldParams", "Worlds", "nominal"]
