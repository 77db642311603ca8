"""Robot, table, object and cameras as one MuJoCo model."""

import mujoco
import numpy as np

from mjxdex.config import CameraConfig, Config
from mjxdex.objects.slots import GEOM_TYPES, ObjectSet, add_shape
from mjxdex.robot.mjcf import FRICTION, OBJECT_BIT, TABLE_BIT, add_robot
from mjxdex.robot.tables import FINGERS, HAND_POINTS

OBJECT = "object"
"""Name of the object's body; its slots are the geoms object_0, object_1, ..."""
DEPTH_CAMERA = "depth"
OVERVIEW_CAMERA = "overview"

TABLE_SIZE = (0.725, 1.16, 0.03)
TABLE_POS = (-0.5725, 0.088, 0.235)
"""Full size and centre of the table, metres. Source: published DextrAH task."""
TABLE_TOP = TABLE_POS[2] + TABLE_SIZE[2] / 2

DEPTH_CAMERA_POS = (-0.7236400045, -0.6886495878, 0.6366771698)
"""Left camera of the published DextrAH task, metres."""
DEPTH_CAMERA_QUAT = (0.51567701, -0.52073085, 0.53658829, 0.41831759)
"""Its orientation, wxyz, optical convention (x right, y down, z forward): image x runs down in the world."""
PAIR_OFFSET = (0.065, -0.062, 0.0)
"""Right camera of the stereo pair in the left one's optical frame, metres. Source: published DextrAH task,
which does not use its setting `stereo_baseline` of 0.055 m."""
PAIR_EULER_ZYX = (np.pi, 0.0, 0.0)
"""Its rotation there, about z, y and x, rad: it hangs head down."""
FOCAL_LENGTH = 359.125 / 320
"""Focal length in image widths. Source: published DextrAH task."""

GRAVITY = 9.81
"""m/s^2, downwards."""
CCD_TOLERANCE = 1e-5
"""Metres to which contacts of cylinders and ellipsoids are found. At MuJoCo's 1e-6, one in 50,000 contacts of
a cylinder on the table comes out of MJX-Warp half a metre deep and throws it off; at 1e-5 none of 450,000."""

_OVERVIEW_POS = (-1.55, -0.85, 1.0)
_OVERVIEW_TARGET = (-0.40, 0.06, 0.46)
_OVERVIEW_FOVY = 46.0

_NET_FORCE = 3
"""The reduction "netforce" of MuJoCo's contact sensors: the sum of all forces, in the world frame."""

OBJECT_RGBA = (0.93, 0.69, 0.13, 1.0)
_TABLE_RGBA = (0.55, 0.42, 0.32, 1.0)
_FLOOR_RGBA = (0.42, 0.46, 0.50, 1.0)
TABLE_GROUP = 1
FLOOR_GROUP = 3
"""Geom groups. The depth camera does not see the floor: in the published task it is invisible."""


def build(config: Config, objects: ObjectSet, object_id: int | None = None) -> mujoco.MjModel:
    """Compiles the scene of `describe`, with the same arguments."""
    return describe(config, objects, object_id).compile()


def describe(config: Config, objects: ObjectSet, object_id: int | None = None) -> mujoco.MjSpec:
    """The scene, open to additions.

    qpos is the robot's 23 joints, then the object's position and wxyz quaternion; qvel likewise with 3 linear
    velocities (world frame) and 3 angular ones (object frame).

    Args:
      config: physics and camera settings.
      objects: the set whose slots the object's body has.
      object_id: None for the model that `physics.Worlds` batches, whose slots hold object 0 until they are
        replaced; a number for that object alone, without slots, as plain MuJoCo simulates it.

    Raises:
      IndexError: if object_id is not in the set.
    """
    spec = mujoco.MjSpec()
    spec.modelname = "mjxdex"
    _set_options(spec, config)
    add_robot(spec)
    _add_surroundings(spec)
    if object_id is None:
        _add_slots(spec, objects)
    else:
        if not 0 <= object_id < len(objects):
            last = len(objects) - 1
            raise IndexError(f"object {object_id} is not in {objects.name!r}, which has 0 to {last}")
        add_shape(_add_object(spec), objects.shapes[object_id], _object_geom)
    _add_cameras(spec, config.camera)
    _add_force_sensors(spec)
    if config.adr.rewards_grip:
        _add_grip_sensors(spec)
    return spec


def fovy(camera: CameraConfig) -> float:
    """Vertical field of view of the depth camera in degrees; pixels are square at any resolution."""
    return float(np.rad2deg(2 * np.arctan2(camera.height / 2, FOCAL_LENGTH * camera.width)))


def depth_camera_euler() -> np.ndarray:
    """Angles of the depth camera about the fixed axes x, y and z, in this order, [3], rad."""
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, np.array(DEPTH_CAMERA_QUAT))
    rot = matrix.reshape(3, 3)
    return np.array(
        [np.arctan2(rot[2, 1], rot[2, 2]), np.arcsin(-rot[2, 0]), np.arctan2(rot[1, 0], rot[0, 0])]
    )


def _set_options(spec: mujoco.MjSpec, config: Config) -> None:
    option = spec.option
    option.timestep = config.physics.timestep
    option.gravity = (0.0, 0.0, -GRAVITY)
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.impratio = config.physics.impratio
    option.iterations = config.physics.iterations
    option.ls_iterations = config.physics.ls_iterations
    option.ccd_tolerance = CCD_TOLERANCE


def _add_surroundings(spec: mujoco.MjSpec) -> None:
    spec.worldbody.add_geom(
        name="floor",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=(3, 3, 0.1),
        contype=0,
        conaffinity=OBJECT_BIT,
        condim=3,
        friction=FRICTION,
        group=FLOOR_GROUP,
        rgba=_FLOOR_RGBA,
    )
    spec.worldbody.add_geom(
        name="table",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=np.array(TABLE_SIZE) / 2,
        pos=TABLE_POS,
        contype=TABLE_BIT,
        conaffinity=0,
        condim=3,
        friction=FRICTION,
        group=TABLE_GROUP,
        rgba=_TABLE_RGBA,
    )
    spec.worldbody.add_light(
        pos=(-1.5, -1.0, 3.0),
        dir=(0.45, 0.35, -1.0),
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        diffuse=(0.7, 0.7, 0.7),
        specular=(0.2, 0.2, 0.2),
        castshadow=True,
    )
    spec.visual.headlight.ambient = (0.35, 0.35, 0.35)
    spec.visual.headlight.diffuse = (0.25, 0.25, 0.25)
    spec.visual.headlight.specular = (0.0, 0.0, 0.0)


def _add_object(spec: mujoco.MjSpec) -> mujoco.MjsBody:
    body = spec.worldbody.add_body(name=OBJECT, pos=(-0.55, 0.1, 0.5))
    body.add_freejoint(name=OBJECT)
    return body


def _object_geom(index: int) -> dict:
    return {
        "name": f"{OBJECT}_{index}",
        "contype": OBJECT_BIT,
        "conaffinity": TABLE_BIT,
        "condim": 3,
        "friction": FRICTION,
        "group": 0,
        "rgba": OBJECT_RGBA,
    }


def _add_slots(spec: mujoco.MjSpec, objects: ObjectSet) -> None:
    """Adds the object's body with a tilted placeholder inertia.

    MuJoCo drops the off-diagonal entries of a body's mass matrix where the compiled inertia is aligned with
    the body; a tilted one keeps room for every object of the set.
    """
    body = _add_object(spec)
    body.explicitinertial = True
    body.mass = objects.mass[0]
    body.ipos = (0.001, 0.002, 0.003)
    body.fullinertia = (3e-4, 4e-4, 5e-4, 1e-5, 2e-5, 3e-5)
    for i, kind in enumerate(objects.slot_types):
        body.add_geom(
            type=GEOM_TYPES[kind],
            size=objects.geom["geom_size"][0, i],
            pos=objects.geom["geom_pos"][0, i],
            quat=objects.geom["geom_quat"][0, i],
            **_object_geom(i),
        )


def _add_force_sensors(spec: mujoco.MjSpec) -> None:
    """One for each of HAND_POINTS, named like it: the force between the point's link and its parent."""
    for point in HAND_POINTS:
        spec.add_sensor(
            name=point, type=mujoco.mjtSensor.mjSENS_FORCE, objtype=mujoco.mjtObj.mjOBJ_SITE, objname=point
        )


def grip_sensor(finger: str) -> str:
    """Name of the sensor of a finger's force on the object, which scenes have where grips are rewarded."""
    return f"{finger}_grip"


def _add_grip_sensors(spec: mujoco.MjSpec) -> None:
    for finger in FINGERS:
        spec.add_sensor(
            name=grip_sensor(finger),
            type=mujoco.mjtSensor.mjSENS_CONTACT,
            objtype=mujoco.mjtObj.mjOBJ_XBODY,  # with all bodies behind it
            objname=f"{finger}_link_0",
            reftype=mujoco.mjtObj.mjOBJ_BODY,
            refname=OBJECT,
            intprm=(1 << mujoco.mjtConDataField.mjCONDATA_FORCE.value, _NET_FORCE, 1),
        )


def _add_cameras(spec: mujoco.MjSpec, camera: CameraConfig) -> None:
    optical = np.zeros(9)
    mujoco.mju_quat2Mat(optical, np.array(DEPTH_CAMERA_QUAT))
    spec.worldbody.add_camera(
        name=DEPTH_CAMERA,
        pos=DEPTH_CAMERA_POS,
        quat=_quaternion(optical.reshape(3, 3) * np.array([1, -1, -1])),
        fovy=fovy(camera),
        resolution=(camera.width, camera.height),
    )
    back = np.array(_OVERVIEW_POS) - np.array(_OVERVIEW_TARGET)
    back /= np.linalg.norm(back)
    right = np.cross((0.0, 0.0, 1.0), back)
    right /= np.linalg.norm(right)
    spec.worldbody.add_camera(
        name=OVERVIEW_CAMERA,
        pos=_OVERVIEW_POS,
        quat=_quaternion(np.stack([right, np.cross(back, right), back], axis=1)),
        fovy=_OVERVIEW_FOVY,
    )


def _quaternion(rot: np.ndarray) -> np.ndarray:
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, np.ascontiguousarray(rot).ravel())
    return quat
