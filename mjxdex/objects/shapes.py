"""What an object is made of: boxes and cylinders fixed to one body."""

from dataclasses import dataclass

DENSITY = 500.0
"""kg/m³ of every object. Source: published DextrAH task."""

PART_TYPES = ("box", "cylinder")
"""Shapes a part may have, in the order in which slots are laid out."""


@dataclass(frozen=True)
class Part:
    """One primitive of an object, in the object's frame.

    Attributes:
      type: one of PART_TYPES.
      size: metres, as MuJoCo wants them: half lengths of a box; radius, half length, 0 of a cylinder along z.
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


@dataclass(frozen=True)
class Shape:
    """A named rigid object of uniform DENSITY.

    Attributes:
      name: unique in its set.
      parts: at least one.
    """

    name: str
    parts: tuple[Part, ...]


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
