"""The robot as MuJoCo bodies, joints, geoms and position servos, added to a scene's `MjSpec`.

Links that are bolted together become one body: flange, mount and palm belong to `iiwa7_link_7`, each BioTac
tip to its `<finger>_link_3`. Their geoms keep the name of their own link, and a site marks each frame of
`tables.HAND_POINTS`.

Collisions are chosen by bits alone, so that no useless pair of geoms is ever tested:
  - links 5-7, palm and fingers meet the table and the object;
  - fingers meet each other and the palm, except for the links beside the knuckles, which overlap by design;
  - the upper arm (links 0-4) and the mount meet nothing.
"""

import mujoco
import numpy as np

from mjxdex.robot import tables
from mjxdex.robot.geometry import PRIMITIVES, Primitive

TABLE_BIT = 1 << 0
"""`contype` of the table; its `conaffinity` is 0."""
OBJECT_BIT = 1 << 1
"""`contype` of the object; its `conaffinity` is TABLE_BIT. A floor for objects has it as `conaffinity`."""
_PALM_BIT = 1 << 2
_FINGER_BIT = {finger: 1 << (3 + i) for i, finger in enumerate(tables.FINGERS)}
_TIP_BIT = {finger: 1 << (7 + i) for i, finger in enumerate(tables.FINGERS)}

FRICTION = (1.0, 0.01, 0.0001)
"""Sliding, torsional and rolling friction of every geom. Tuned: grasps hold with the published gains."""
HAND_ARMATURE = 1e-3
"""kg m^2 on each hand joint. Tuned: limits the overlap of colliding fingers from 12 mm to 5 mm."""
DRY_FRICTION = (0.999, 0.999, 0.001, 0.5, 2)
"""`solimp` of the joints' dry friction, which randomization switches on. Tuned: with MuJoCo's default a joint
creeps instead of sticking, at a speed that does not depend on the friction."""
HAND_DAMPING = 0.025
"""N m s/rad on each hand joint, the value of the robot description's index finger."""

ROBOT_GROUP = 2
"""Geom group of the robot."""
_COLOURS = {
    "arm": (0.82, 0.83, 0.85, 1.0),
    "wrist": (0.93, 0.47, 0.13, 1.0),
    "hand": (0.16, 0.17, 0.19, 1.0),
    "pad": (0.35, 0.62, 0.55, 1.0),
}


def add_robot(spec: mujoco.MjSpec) -> None:
    """Adds the robot with its base at the world's origin.

    Adds 24 bodies, 23 hinges named by `tables.JOINT_NAMES`, geoms `<link>_<i>` in ROBOT_GROUP, sites named by
    `tables.HAND_POINTS` and one position servo a joint, named like it. A servo's torque is
    kp (ctrl - q) - kd qd, clipped to the effort limit; ctrl has no range, so that a velocity target qd* can
    be given as ctrl = q* + (kd / kp) qd*. Gravity does not act on the robot.

    Call it once per spec, before anything else adds joints, so that the robot comes first in qpos.
    Source: published DextrAH task; collision and contact settings tuned (see the constants).
    """
    angle_unit = np.rad2deg(1.0) if spec.compiler.degree else 1.0
    bodies = {tables.BASE: spec.worldbody.add_body(name=tables.BASE)}
    _add_links(bodies[tables.BASE], tables.BASE)
    for i, joint in enumerate(tables.JOINTS):
        carrier, pos, rot = tables.fixed_chain(joint.parent)
        body = bodies[carrier].add_body(
            name=joint.child,
            pos=pos + rot @ np.array(joint.xyz),
            quat=_quaternion(rot @ tables.rotation(joint.rpy)),
            gravcomp=1.0,
        )
        bodies[joint.child] = body
        in_hand = i >= tables.NUM_ARM
        body.add_joint(
            name=joint.name,
            type=mujoco.mjtJoint.mjJNT_HINGE,
            axis=(0, 0, 1),
            limited=True,
            range=(joint.lower * angle_unit, joint.upper * angle_unit),
            armature=HAND_ARMATURE if in_hand else 0.0,
            damping=HAND_DAMPING if in_hand else 0.0,
            solimp_friction=DRY_FRICTION,
        )
        _add_links(body, joint.child)
        _add_servo(spec, i)
    for point in tables.HAND_POINTS:
        carrier, pos, rot = tables.fixed_chain(point)
        bodies[carrier].add_site(name=point, pos=pos, quat=_quaternion(rot), size=(0.004,) * 3, group=4)


def _add_servo(spec: mujoco.MjSpec, i: int) -> None:
    actuator = spec.add_actuator(
        name=tables.JOINT_NAMES[i],
        target=tables.JOINT_NAMES[i],
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        forcelimited=True,
        forcerange=(-tables.EFFORT[i], tables.EFFORT[i]),
    )
    actuator.set_to_position(kp=tables.KP[i], kv=tables.KD[i])


def _add_links(body: mujoco.MjsBody, carrier: str) -> None:
    """Gives a body the geoms and the joint inertia of a moving link and all that is bolted to it."""
    mass, moment, inertia = 0.0, np.zeros(3), np.zeros((3, 3))
    for link in (carrier, *(fixed.child for fixed in tables.FIXED)):
        root, pos, rot = tables.fixed_chain(link)
        if root != carrier:
            continue
        part = tables.INERTIALS[link]
        com = pos + rot @ np.array(part.com)
        xx, yy, zz, xy, xz, yz = part.inertia
        local = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
        mass += part.mass
        moment += part.mass * com
        inertia += rot @ local @ rot.T + _steiner(part.mass, com)
        for i, primitive in enumerate(PRIMITIVES.get(link, ())):
            _add_geom(body, f"{link}_{i}", link, primitive, pos, rot)
    com = moment / mass
    inertia -= _steiner(mass, com)
    body.explicitinertial = True
    body.mass = mass
    body.ipos = com
    body.fullinertia = (*np.diag(inertia), inertia[0, 1], inertia[0, 2], inertia[1, 2])


def _steiner(mass: float, com: np.ndarray) -> np.ndarray:
    return mass * (com @ com * np.eye(3) - np.outer(com, com))


def _add_geom(
    body: mujoco.MjsBody, name: str, link: str, primitive: Primitive, pos: np.ndarray, rot: np.ndarray
) -> None:
    contype, conaffinity = _bits(link)
    geom = body.add_geom(
        name=name,
        group=ROBOT_GROUP,
        contype=contype,
        conaffinity=conaffinity,
        condim=3,
        friction=FRICTION,
        rgba=_colour(link, primitive),
    )
    a = pos + rot @ np.array(primitive.a)
    if primitive.kind == "box":
        geom.type = mujoco.mjtGeom.mjGEOM_BOX
        geom.pos, geom.quat, geom.size = a, _quaternion(rot), primitive.b
    elif primitive.kind == "sphere":
        geom.type = mujoco.mjtGeom.mjGEOM_SPHERE
        geom.pos, geom.size = a, (primitive.radius, 0, 0)
    else:
        is_capsule = primitive.kind == "capsule"
        geom.type = mujoco.mjtGeom.mjGEOM_CAPSULE if is_capsule else mujoco.mjtGeom.mjGEOM_CYLINDER
        geom.fromto = (*a, *(pos + rot @ np.array(primitive.b)))
        geom.size = (primitive.radius, 0, 0)


def _bits(link: str) -> tuple[int, int]:
    """contype and conaffinity of a link's geoms."""
    world = TABLE_BIT | OBJECT_BIT
    if link in ("iiwa7_link_5", "iiwa7_link_6", "iiwa7_link_7"):
        return 0, world
    if link == tables.PALM:
        return _PALM_BIT, world
    finger, _, segment = link.partition("_link_")
    if finger not in tables.FINGERS:
        return 0, 0
    other_fingers = sum(bit for name, bit in _FINGER_BIT.items() if name != finger)
    other_tips = sum(bit for name, bit in _TIP_BIT.items() if name != finger)
    if segment == "0":
        return 0, world | other_tips
    if segment == "1":
        return _FINGER_BIT[finger], world | other_fingers
    if segment == "2":
        return _FINGER_BIT[finger], world | other_fingers | _PALM_BIT
    return _FINGER_BIT[finger] | _TIP_BIT[finger], world | other_fingers | _PALM_BIT


def _colour(link: str, primitive: Primitive) -> tuple[float, float, float, float]:
    if link.startswith("iiwa7"):
        return _COLOURS["wrist" if link == "iiwa7_link_7" else "arm"]
    return _COLOURS["pad" if primitive.kind == "capsule" else "hand"]


def _quaternion(rot: np.ndarray) -> np.ndarray:
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, rot.ravel())
    return quat
