"""Where objects are put down in the simulated cell: drawn as the task's reset draws it."""

from typing import NamedTuple

import numpy as np

from mjxdex.config import AdrConfig
from mjxdex.deploy.fabric_targets import at_level
from mjxdex.task.places import SPAWN_CENTRE


class SpawnPose(NamedTuple):
    """Position [3], metres, and quaternion wxyz, at which the task lets go of an object."""

    pos: tuple[float, float, float]
    quat: tuple[float, float, float, float]


def spawn_pose(config: AdrConfig, level: int, rng: np.random.Generator) -> SpawnPose:
    """Draws a pose with the widths of an ADR level; the distribution is that of `task.reset`."""
    width = np.array([at_level(ends, level) for ends in (config.spawn_width_x, config.spawn_width_y)])
    x, y = SPAWN_CENTRE[:2] + width * rng.uniform(-0.5, 0.5, 2)
    half = 0.5 * np.pi * at_level(config.spawn_rotation, level) * rng.uniform(-1, 1, 2)
    (cx, cy), (sx, sy) = np.cos(half), np.sin(half)
    return SpawnPose((x, y, SPAWN_CENTRE[2]), (cx * cy, sx * cy, cx * sy, sx * sy))
