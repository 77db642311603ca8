"""The fabric on the robot: from targets of palm and hand to targets of the servos, once a control step."""

import numpy as np

from mjxdex import fabric
from mjxdex.config import Config
from mjxdex.config_adr import NUM_LEVELS
from mjxdex.fabric import FabricState


def at_level(ends: tuple[float, float], adr_level: int) -> float:
    """Value at an ADR level, between those at level 0, or below it, and at NUM_LEVELS."""
    return ends[0] + (ends[1] - ends[0]) * max(adr_level, 0) / NUM_LEVELS


class FabricTargets:
    """The fabric of the task, with its settings at an ADR level.

    Args:
      config: of the policy's training.
      adr_level: that the policy reached; decides the damping and the share of velocity the servos are told.

    Attributes:
      state: of the fabric, float64.
    """

    def __init__(self, config: Config, adr_level: int) -> None:
        self._config = config.fabric
        self._damping = at_level(config.adr.fabric_damping, adr_level)
        self._velocity_share = at_level(config.adr.velocity_target, adr_level)
        self.start(np.zeros(23))

    def start(self, joint_pos: np.ndarray) -> None:
        """Puts the fabric at rest at measured joint positions [23], rad."""
        zero = np.zeros_like(joint_pos, dtype=np.float64)
        self.state = FabricState(zero + joint_pos, zero, zero)

    def advance(self, palm_pos: np.ndarray, palm_euler: np.ndarray, pca: np.ndarray) -> None:
        """One control step towards a palm position [3] (m), Euler angles ZYX [3] (rad) and hand PCA [5]."""
        for _ in range(self._config.steps):
            self.state = fabric.step(
                self.state,
                (palm_pos, palm_euler),
                pca,
                self._damping,
                timestep=self._config.timestep,
                curvature_factor=self._config.curvature_factor,
                collision_avoidance=self._config.collision_avoidance,
            )

    @property
    def joint_targets(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions (rad) and velocities (rad/s) for the servos, [23] each."""
        return self.state.pos, self._velocity_share * self.state.vel
