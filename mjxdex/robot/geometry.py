"""Shapes of the robot's links: the primitives that stand for the meshes, and the fabric's collision spheres.

The primitives were fitted to the published meshes and stick to them within 2 to 5 mm (arm links: 14 mm).
Source: own fit; sphere centres and radii from the published FABRICS parameters.
"""

from typing import Literal, NamedTuple

from mjxdex.robot.tables import FINGERS, PALM

Vec = tuple[float, float, float]


class Primitive(NamedTuple):
    """A solid in its link's frame, metres.

    Attributes:
      kind: box, sphere, cylinder or capsule.
      a: centre of a box or sphere, first end of the axis of a cylinder or capsule.
      b: half sizes of a box, second end of the axis of a cylinder or capsule, unused for a sphere.
      radius: of a sphere, cylinder or capsule.
    """

    kind: Literal["box", "sphere", "cylinder", "capsule"]
    a: Vec
    b: Vec
    radius: float = 0.0


def _box(centre: Vec, half: Vec) -> Primitive:
    return Primitive("box", centre, half)


def _sphere(centre: Vec, radius: float) -> Primitive:
    return Primitive("sphere", centre, (0, 0, 0), radius)


def _capsule(a: Vec, b: Vec, radius: float) -> Primitive:
    return Primitive("capsule", a, b, radius)


def _cylinder(centre: Vec, axis: Literal["y", "z"], radius: float, half: float) -> Primitive:
    x, y, z = centre
    dy, dz = (half, 0.0) if axis == "y" else (0.0, half)
    return Primitive("cylinder", (x, y - dy, z - dz), (x, y + dy, z + dz), radius)


_LINK_2_AND_4 = (
    _cylinder((0, 0, 0.052), "z", 0.068, 0.0625),
    _capsule((0, 0.04, 0.055), (0, 0.125, 0.022), 0.060),
    _cylinder((0, 0.154, 0.003), "y", 0.068, 0.030),
)
_FINGER = (
    (_box((0, 0, -0.0047), (0.0098, 0.0135, 0.011)),),
    (_box((0.027, -0.00245, 0), (0.0358, 0.01225, 0.0143)),),
    (
        _box((0.0042, -0.0015, 0), (0.0105, 0.0083, 0.0135)),
        _box((0.0290, -0.00245, 0), (0.0145, 0.01225, 0.0143)),
        _box((0.0440, 0, 0), (0.0032, 0.0098, 0.0110)),
    ),
    (
        _box((0.0060, -0.0005, 0), (0.0123, 0.0098, 0.0135)),
        _box((0.0260, -0.0005, 0), (0.0085, 0.0093, 0.0091)),
        _capsule((0.030, 0.0005, 0), (0.0548, 0.0073, 0), 0.007),
    ),
)
_THUMB = (
    (_box((0.009, -0.0148, -0.009), (0.017, 0.0227, 0.018)),),
    (_box((0, 0, 0.0507), (0.0135, 0.0098, 0.011)),),
    (
        _box((0.0080, -0.00245, 0), (0.0168, 0.01225, 0.0143)),
        _box((0.0412, -0.0010, 0), (0.0165, 0.0088, 0.0137)),
    ),
    (
        _box((0.0070, -0.00245, 0), (0.0158, 0.01225, 0.0143)),
        _box((0.0280, 0, 0), (0.0062, 0.0098, 0.0143)),
        _box((0.0410, -0.0005, 0), (0.0085, 0.0093, 0.0091)),
        _capsule((0.0456, 0.0005, 0), (0.0704, 0.0073, 0), 0.007),
    ),
)

PRIMITIVES: dict[str, tuple[Primitive, ...]] = {
    "iiwa7_link_0": (
        _cylinder((0, 0, 0.03), "z", 0.10, 0.03),
        _cylinder((0, 0, 0.10875), "z", 0.078, 0.04875),
        _box((-0.085, 0, 0.07), (0.028, 0.05, 0.07)),
    ),
    "iiwa7_link_1": (
        _cylinder((0, 0, 0.02), "z", 0.068, 0.03),
        _capsule((0, -0.006, 0.045), (0, -0.045, 0.12), 0.062),
        _cylinder((0, -0.0575, 0.183), "y", 0.068, 0.057),
    ),
    "iiwa7_link_2": _LINK_2_AND_4,
    "iiwa7_link_3": (
        _cylinder((0, 0, 0.02), "z", 0.068, 0.03),
        _capsule((0, 0.005, 0.06), (0, 0.05, 0.15), 0.062),
        _cylinder((0, 0.0575, 0.2155), "y", 0.068, 0.057),
    ),
    "iiwa7_link_4": _LINK_2_AND_4,
    "iiwa7_link_5": (
        _cylinder((0, 0, 0.03), "z", 0.068, 0.04),
        _capsule((0, 0.012, 0.068), (0, 0.045, 0.115), 0.045),
        _box((0, 0.077, 0.14), (0.040, 0.020, 0.04)),
        _cylinder((0, 0.080, 0.215), "y", 0.0515, 0.019),
    ),
    "iiwa7_link_6": (
        _sphere((0, -0.012, 0.058), 0.0735),
        _cylinder((0, 0.065, 0.0607), "y", 0.054, 0.026),
    ),
    "iiwa7_link_7": (
        _cylinder((0, 0, 0.021), "z", 0.054, 0.021),
        _cylinder((0, 0, 0.056), "z", 0.034, 0.015),
        _box((0.045, 0, 0.026), (0.019, 0.03, 0.014)),
    ),
    "allegro_mount": (_box((0, 0, 0.0115), (0.038, 0.038, 0.0115)),),
    PALM: (
        _box((-0.0049, 0.00875, -0.0735), (0.044, 0.0587, 0.0247)),
        _box((-0.0078, 0.00875, -0.0245), (0.0501, 0.0566, 0.0245)),
    ),
} | {f"{f}_link_{i}": (_THUMB if f == "thumb" else _FINGER)[i] for f in FINGERS for i in range(4)}
"""Solids of every link, by the name of the link."""


class Sphere(NamedTuple):
    """A collision sphere of the fabric: the link that carries it, its centre there and its radius, metres."""

    link: str
    centre: Vec
    radius: float


def _upper_arm(link: str, radius: float) -> tuple[Sphere, ...]:
    return (Sphere(link, (0, 0, 0), radius), Sphere(link, (0, 0.15, 0), 0.1), Sphere(link, (0, 0.25, 0), 0.1))


def _finger_spheres(finger: str) -> tuple[Sphere, ...]:
    rows = ((1, (0, 0, 0)), (1, (0.027, 0, 0)), (2, (0, 0, 0)), (3, (0, 0, 0)), (3, (0.035, 0.005, 0)))
    return tuple(Sphere(f"{finger}_link_{i}", centre, 0.02) for i, centre in rows)


COLLISION_SPHERES: tuple[Sphere, ...] = (
    *_upper_arm("iiwa7_link_2", 0.12),
    *_upper_arm("iiwa7_link_4", 0.125),
    Sphere("iiwa7_link_6", (0, 0, 0.05), 0.1),
    Sphere("iiwa7_link_7", (0, 0, 0), 0.075),
    Sphere("allegro_mount", (0, 0, 0), 0.05),
    Sphere(PALM, (0, 0.01, -0.05), 0.075),
    *_finger_spheres("index"),
    *_finger_spheres("middle"),
    *_finger_spheres("ring"),
    Sphere("thumb_link_1", (0, 0, 0), 0.02),
    Sphere("thumb_link_2", (0, 0, 0), 0.02),
    Sphere("thumb_link_2", (0.025, 0, 0), 0.02),
    Sphere("thumb_link_3", (0, 0, 0), 0.02),
    Sphere("thumb_link_3", (0.025, 0, 0), 0.02),
    Sphere("thumb_link_3", (0.055, 0.005, 0), 0.02),
)
"""The 31 spheres of the fabric's collision leaf, in the published order."""
