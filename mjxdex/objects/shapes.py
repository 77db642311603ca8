"""What an object is made of: primitive solids fixed to one body."""

from dataclasses import dataclass
from functools import cached_property

import mujoco
import numpy as np

DENSITY = 500.0
"""kg/m³ of every object. Source: published DextrAH task."""

PART_TYPES = ("box", "cylinder", "capsule", "ellipsoid")
"""Solids a part may be, in the order in which slots are laid out."""


def quaternion(rot: np.ndarray) -> tuple[float, float, float, float]:
    """Unit quaternion wxyz of a rotation matrix [3, 3]."""
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, np.ascontiguousarray(rot).ravel())
    w, x, y, z = quat.tolist()
    return w, x, y, z


@dataclass(frozen=True)
class Part:
    """One primitive of an object, in the object's frame.

    Attributes:
      type: one of PART_TYPES.
      size: metres, as MuJoCo wants them: half lengths of a box; radius, half length, 0 of a cylinder along z;
        radius, half length without the caps, 0 of a capsule along z; three radii of an ellipsoid.
      pos: centre, metres.
      quat: orientation, wxyz.
    """

    type: str
    size: tuple[float, float, float]
    pos: tuple[float, float, float] = (0.0, 0.0, 0.0)
    quat: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if self.type not in PART_TYPES:
            raise ValueError(f"a part cannot be a {self.type!r}; allowed: {', '.join(PART_TYPES)}")

    @cached_property
    def rot(self) -> np.ndarray:
        """Orientation as a matrix [3, 3], from the part's axes to the object's."""
        rot = np.zeros(9)
        mujoco.mju_quat2Mat(rot, np.array(self.quat) / np.linalg.norm(self.quat))
        return rot.reshape(3, 3)

    @property
    def bounds(self) -> np.ndarray:
        """Lowest and highest coordinates in the object's frame, [2, 3], metres."""
        axis = np.abs(self.rot[:, 2])
        radius, half, _ = self.size
        if self.type == "box":
            reach = np.abs(self.rot) @ self.size
        elif self.type == "cylinder":
            reach = half * axis + radius * np.sqrt(np.clip(1 - axis**2, 0, None))
        elif self.type == "capsule":
            reach = half * axis + radius
        else:
            reach = np.sqrt(self.rot**2 @ np.square(self.size))
        return np.stack([self.pos - reach, self.pos + reach])

    def moved(self, rot: np.ndarray, pos: np.ndarray) -> "Part":
        """The part after the rigid motion x -> rot x + pos, with rot [3, 3] and pos [3]."""
        w, x, y, z = quaternion(rot @ self.rot)
        px, py, pz = (rot @ self.pos + pos).tolist()
        return Part(self.type, self.size, (px, py, pz), (w, x, y, z))


@dataclass(frozen=True)
class Shape:
    """A named rigid object of uniform DENSITY: the union of its parts.

    Attributes:
      name: unique in its set.
      parts: at least one; they may overlap.
    """

    name: str
    parts: tuple[Part, ...]

    @property
    def bounds(self) -> np.ndarray:
        """Lowest and highest coordinates in the object's frame, [2, 3], metres."""
        bounds = np.stack([part.bounds for part in self.parts])
        return np.stack([bounds[:, 0].min(axis=0), bounds[:, 1].max(axis=0)])


def cuboid(name: str, x: float, y: float, z: float) -> Shape:
    """A box with edges x, y, z in millimetres, centred on its frame."""
    return Shape(name, (Part("box", (x / 2000, y / 2000, z / 2000)),))


def cylinder(name: str, diameter: float, length: float) -> Shape:
    """A cylinder along z with diameter and length in millimetres, centred on its frame."""
    return Shape(name, (Part("cylinder", (diameter / 2000, length / 2000, 0.0)),))


PRIMITIVES = (
    cuboid("large_12_cuboid", 120, 120, 50),
    cylinder("large_12_cyl", 120, 50),
    cuboid("large_5_cuboid", 50, 50, 120),
    cylinder("large_5_cyl", 50, 120),
    cuboid("large_8_cuboid", 80, 80, 80),
    cylinder("large_8_cyl", 80, 80),
    cuboid("small_12_cuboid", 60, 60, 25),
    cylinder("small_12_cyl", 60, 25),
    cuboid("small_5_cuboid", 25, 25, 60),
    cylinder("small_5_cyl", 25, 60),
    cuboid("small_8_cuboid", 40, 40, 40),
    cylinder("small_8_cyl", 40, 40),
)
"""The 12 primitive shapes of the published DextrAH task, sorted by name as there."""
