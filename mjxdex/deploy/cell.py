"""The robot's cell in MuJoCo C: table, robot, one object and the bin that it goes into."""

import mujoco
import numpy as np

from mjxdex import scene
from mjxdex.config import Config
from mjxdex.objects import ObjectSet
from mjxdex.robot.mjcf import FRICTION, TABLE_BIT

BIN_CENTRE = (0.02, 0.46)
"""Middle of the bin, metres; the palm opens above (0.02, 0.45)."""
BIN_SIZE = (0.46, 0.52)
"""Width and depth inside, metres. Our choice: from the table's edge on, with the robot's base beside it."""
BIN_TOP = 0.20
"""Height of the walls, metres: below everything that the fabric lets the hand reach."""
_FLOOR = 0.02
_WALL = 0.012
_RGBA = (0.30, 0.45, 0.62, 1.0)


def build(config: Config, objects: ObjectSet, object_id: int) -> mujoco.MjModel:
    """The scene that policies are trained in with one object, and the bin beside it.

    Robot, table, object, contacts, servos and time step are those of `scene.describe`.
    """
    spec = scene.describe(config, objects, object_id)
    (x, y), (width, depth) = BIN_CENTRE, BIN_SIZE
    half, height = _WALL / 2, BIN_TOP / 2
    parts = {
        "bin_floor": ((x, y, _FLOOR / 2), (width / 2, depth / 2, _FLOOR / 2)),
        "bin_left": ((x - width / 2 - half, y, height), (half, depth / 2 + _WALL, height)),
        "bin_right": ((x + width / 2 + half, y, height), (half, depth / 2 + _WALL, height)),
        "bin_front": ((x, y - depth / 2 - half, height), (width / 2, half, height)),
        "bin_back": ((x, y + depth / 2 + half, height), (width / 2, half, height)),
    }
    for name, (pos, size) in parts.items():
        spec.worldbody.add_geom(
            name=name,
            type=mujoco.mjtGeom.mjGEOM_BOX,
            pos=pos,
            size=size,
            contype=TABLE_BIT,
            conaffinity=0,
            condim=3,
            friction=FRICTION,
            group=scene.TABLE_GROUP,
            rgba=_RGBA,
        )
    return spec.compile()


def is_in_bin(object_pos: np.ndarray) -> bool:
    """Whether an object's position [3], metres, is inside the bin."""
    beside = np.abs(object_pos[:2] - BIN_CENTRE) > np.array(BIN_SIZE) / 2
    return bool(not beside.any() and object_pos[2] < BIN_TOP)
