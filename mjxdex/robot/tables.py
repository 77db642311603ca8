"""Joints, frames, inertials, servo gains and poses of the iiwa7 + Allegro robot as plain numbers.

Every array over joints has the one joint order of the package: iiwa 1-7, index 0-3, middle 0-3, ring 0-3,
thumb 0-3. SI units and radians; `rpy` is roll, pitch, yaw about fixed axes, R = Rz(yaw) Ry(pitch) Rx(roll).

Source: the robot description of the published FABRICS (kinematics, inertials, limits); gains, effort limits
and the reset pose from the published DextrAH task.
"""

from typing import NamedTuple

import numpy as np

PI = 3.141592654
HALF_PI = 1.570796327
FINGERS = ("index", "middle", "ring", "thumb")
BASE = "iiwa7_link_0"
PALM = "palm_link"
TIPS = tuple(f"{finger}_biotac_tip" for finger in FINGERS)
HAND_POINTS = (PALM, *TIPS)
"""The frames whose origins the task observes and rewards, in this order."""

NUM_ARM = 7
NUM_HAND = 16
NUM_JOINTS = 23


class Joint(NamedTuple):
    """A hinge about z of the child frame, which sits at (xyz, rpy) in the parent frame at angle 0."""

    name: str
    parent: str
    child: str
    xyz: tuple[float, float, float]
    rpy: tuple[float, float, float]
    lower: float
    upper: float


class Fixed(NamedTuple):
    """A frame bolted to another at (xyz, rpy)."""

    parent: str
    child: str
    xyz: tuple[float, float, float]
    rpy: tuple[float, float, float]


class Inertial(NamedTuple):
    """Mass, centre of mass in the link frame, and inertia about it: xx, yy, zz, xy, xz, yz."""

    mass: float
    com: tuple[float, float, float]
    inertia: tuple[float, float, float, float, float, float]


def _arm(i: int, xyz: tuple, rpy: tuple, limit: float) -> Joint:
    return Joint(f"iiwa7_joint_{i}", f"iiwa7_link_{i - 1}", f"iiwa7_link_{i}", xyz, rpy, -limit, limit)


def _finger(name: str, xyz: tuple, yaw: float) -> list[Joint]:
    """An index, middle or ring finger, mounted on the palm at xyz and splayed by yaw."""

    def joint(i: int, parent: str, xyz: tuple, rpy: tuple, lower: float, upper: float) -> Joint:
        return Joint(f"{name}_joint_{i}", parent, f"{name}_link_{i}", xyz, rpy, lower, upper)

    flexion = (-0.27924444, 1.727825)
    return [
        joint(0, PALM, xyz, (3.1415, -1.57075, yaw), -0.55848889, 0.55848889),
        joint(1, f"{name}_link_0", (0, 0, 0), (3.1415, -1.57075, 1.57075), *flexion),
        joint(2, f"{name}_link_1", (0.054, 0, 0), (0, 0, 0), *flexion),
        joint(3, f"{name}_link_2", (0.0384, 0, 0), (0, 0, 0), *flexion),
    ]


def _thumb() -> list[Joint]:
    rows = [
        (PALM, (-0.0367482, -0.0081281, -0.0295), (-1.57075, -1.57075, 1.483486111), 0.27924444, 1.57075),
        ("thumb_link_0", (0.005, 0, 0), (1.57075, 0, 0), -0.33160278, 1.15188333),
        ("thumb_link_1", (0, 0, 0.0554), (3.1415, -1.57075, 0), -0.27924444, 1.727825),
        ("thumb_link_2", (0.0514, 0, 0), (0, 0, 0), -0.27924444, 1.76273056),
    ]
    return [Joint(f"thumb_joint_{i}", p, f"thumb_link_{i}", *row) for i, (p, *row) in enumerate(rows)]


JOINTS: tuple[Joint, ...] = (
    _arm(1, (0, 0, 0.1575), (0, 0, 0), 2.96705973),
    _arm(2, (0, 0, 0.1825), (HALF_PI, 0, PI), 2.0943951),
    _arm(3, (0, 0.184, 0), (HALF_PI, 0, PI), 2.96705973),
    _arm(4, (0, 0, 0.216), (HALF_PI, 0, 0), 2.0943951),
    _arm(5, (0, 0.184, 0), (-HALF_PI, PI, 0), 2.96705973),
    _arm(6, (0, 0.0607, 0.216), (HALF_PI, 0, 0), 2.0943951),
    _arm(7, (0, 0.081, 0.0607), (-HALF_PI, PI, 0), 3.05432619),
    *_finger("index", (0.0514302, -0.03632, -0.0113), -0.08726388889),
    *_finger("middle", (0.0537375, 0.0087771, -0.0113), 0.0),
    *_finger("ring", (0.0514302, 0.0538749, -0.0113), 0.08726388889),
    *_thumb(),
)
JOINT_NAMES = tuple(joint.name for joint in JOINTS)
LOWER = np.array([joint.lower for joint in JOINTS])
UPPER = np.array([joint.upper for joint in JOINTS])

_TIP_YAW = 0.4363194444
FIXED: tuple[Fixed, ...] = (
    Fixed("iiwa7_link_7", "iiwa7_link_ee", (0, 0, 0.071), (0, 0, 0)),
    Fixed("iiwa7_link_ee", "allegro_mount", (0, 0, 0), (0, 0, 0)),
    Fixed("allegro_mount", PALM, (-0.008219, -0.02063, 0.08086), (0, -1.5708, 0.785398)),
    *(Fixed(f"{f}_link_3", f"{f}_biotac_tip", (0.055, 0.015, 0), (0, 0, _TIP_YAW)) for f in FINGERS[:3]),
    Fixed("thumb_link_3", "thumb_biotac_tip", (0.07, 0.01, 0), (0, 0, _TIP_YAW)),
)

# The finger inertias are the published ones: unphysically large, they steady the finger servos like armature.
_FINGER_INERTIA = (5.1458e-5, 5.1458e-5, 6.125e-5, 0, 0, 0)
_INDEX_MASSES = (0.005, 0.005, 0.05, 0.11, 0.04)
INERTIALS: dict[str, Inertial] = {
    "iiwa7_link_0": Inertial(0.564, (0, 0, 0), (0.003881243, 0.00049894, 0.003879257, 0, 0, 0)),
    "iiwa7_link_1": Inertial(3.4525, (0, -0.03, 0.12), (0.02183, 0.007703, 0.02083, 0, 0, -0.003887)),
    "iiwa7_link_2": Inertial(3.4821, (0.0003, 0.059, 0.042), (0.02076, 0.02179, 0.00779, 0, -0.003626, 0)),
    "iiwa7_link_3": Inertial(4.05623, (0, 0.03, 0.13), (0.03204, 0.00972, 0.03042, 0, 0, 0.006227)),
    "iiwa7_link_4": Inertial(3.4822, (0, 0.067, 0.034), (0.02178, 0.02075, 0.007785, 0, 0, -0.003625)),
    "iiwa7_link_5": Inertial(2.1633, (0.0001, 0.021, 0.076), (0.01287, 0.005708, 0.01112, 0, 0, -0.003946)),
    "iiwa7_link_6": Inertial(2.3466, (0, 0.0006, 0.0004), (0.006509, 0.006259, 0.004527, 0, 0, 0.00031891)),
    "iiwa7_link_7": Inertial(3.129, (0, 0, 0.02), (0.01464, 0.01465, 0.002872, 0.0005912, 0, 0)),
    "iiwa7_link_ee": Inertial(1e-7, (0, 0, 0), (1e-7, 1e-7, 1e-7, 0, 0, 0)),
    "allegro_mount": Inertial(0.05, (0, 0, 0), (1e-4, 1e-4, 1e-4, 0, 0, 0)),
    PALM: Inertial(0.4154, (0, 0, 0), (1e-4, 1e-4, 1e-4, 0, 0, 0)),
} | {
    link: Inertial(mass, (0, 0, 0), _FINGER_INERTIA)
    for finger in FINGERS
    for link, mass in zip(
        (*(f"{finger}_link_{i}" for i in range(4)), f"{finger}_biotac_tip"),
        _INDEX_MASSES if finger == "index" else (0.1,) * 5,
        strict=True,
    )
}

KP = np.array([300.0] * 4 + [100.0, 50.0, 25.0] + [3.0] * NUM_HAND)
"""Servo stiffness, N m/rad [23]."""
KD = np.array([45.0] * 4 + [20.0, 15.0, 15.0] + [0.1] * NUM_HAND)
"""Servo damping, N m s/rad [23]."""
EFFORT = np.array([300.0] * NUM_ARM + [0.5] * NUM_HAND)
"""Largest servo torque, N m [23]."""

_THUMB_RESET = (1.5, 0.60147215, 0.33795027, 0.60845138)
RESET_POS = np.array([-0.85, 0, 0.76, 1.25, -1.76, 0.90, 0.64, *([0, 0.3, 0.3, 0.3] * 3), *_THUMB_RESET])
"""Joint positions an episode starts from, rad [23]."""
CURLED_HAND = np.array([0.0] * 12 + list(_THUMB_RESET))
"""Hand pose from which the finger-curl reward is measured, rad [16]."""


def rotation(rpy: tuple[float, float, float]) -> np.ndarray:
    """Rotation matrix [3, 3] of roll, pitch, yaw about fixed axes."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(rpy), np.sin(rpy)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def fixed_chain(child: str) -> tuple[str, np.ndarray, np.ndarray]:
    """The moving link that carries a fixed frame, and its pose there: name, position [3], rotation [3, 3]."""
    pos, rot = np.zeros(3), np.eye(3)
    parents = {fixed.child: fixed for fixed in FIXED}
    while child in parents:
        fixed = parents[child]
        step = rotation(fixed.rpy)
        pos, rot = np.array(fixed.xyz) + step @ pos, step @ rot
        child = fixed.parent
    return child, pos, rot
