"""The scene as primitives fixed to moving frames, for renderers that draw nothing else."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from mjxdex import scene
from mjxdex.objects import ObjectSet
from mjxdex.objects.slots import UNUSED_SIZE
from mjxdex.physics.object_fields import object_fields
from mjxdex.render import looks, unit_shapes
from mjxdex.robot import kinematics
from mjxdex.robot.tables import JOINTS

_GEOM = mujoco.mjtGeom
_KINDS = {
    _GEOM.mjGEOM_BOX: unit_shapes.BOX,
    _GEOM.mjGEOM_CYLINDER: unit_shapes.CYLINDER,
    _GEOM.mjGEOM_CAPSULE: unit_shapes.CAPSULE,
    _GEOM.mjGEOM_ELLIPSOID: unit_shapes.ELLIPSOID,
    _GEOM.mjGEOM_SPHERE: unit_shapes.ELLIPSOID,
}
_PARTS = (("table", looks.TABLE), (scene.OBJECT, looks.OBJECT), ("iiwa7", looks.ARM), ("", looks.HAND))
"""By how the names of their geoms start; a geom has that of its own link, welded or not."""
_OBJECT_FRAME, _WORLD_FRAME = len(JOINTS), len(JOINTS) + 1


class Primitives(NamedTuple):
    """G primitives; what depends on the object has a row for each of K objects.

    Attributes:
      frame_id: int32 [G], the frame of `frames` that each is fixed to.
      kind: int32 [K, G], see `unit_shapes`; NONE for a slot that the object does not use.
      pos: float32 [K, G, 3], in the frame, metres.
      rot: float32 [K, G, 3, 3], likewise.
      size: float32 [K, G, 3], as in MuJoCo; of spheres the radius three times. Metres.
    """

    frame_id: np.ndarray
    kind: np.ndarray
    pos: np.ndarray
    rot: np.ndarray
    size: np.ndarray


def frames(qpos: jax.Array) -> jax.Array:
    """x, y and z axis and origin of the 23 links, the object and the world, [25, 4, 3], metres."""
    links = kinematics.frames(qpos[:_OBJECT_FRAME])
    pos, quat = qpos[_OBJECT_FRAME : _OBJECT_FRAME + 3], qpos[_OBJECT_FRAME + 3 :]
    object_axes = _matrix(quat / jnp.linalg.norm(quat)).T
    return jnp.concatenate(
        (
            jnp.stack((links.x, links.y, links.z, links.origin), axis=1),
            jnp.concatenate((object_axes, pos[None]))[None],
            jnp.eye(4, 3)[None],
        )
    )


def _matrix(quat: jax.Array) -> jax.Array:
    """Rotation matrix [3, 3] of a unit quaternion wxyz."""
    w, x, y, z = quat
    return jnp.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def tabulate(model: mujoco.MjModel, objects: ObjectSet) -> Primitives:
    """The primitives that the robot's cameras see; like the published task's they do not see the floor.

    Raises:
      ValueError: if one is no box, cylinder, capsule, ellipsoid or sphere.
    """
    geoms = _visible(model)
    frame_of_body = {0: _WORLD_FRAME, model.body(scene.OBJECT).id: _OBJECT_FRAME}
    for i, joint in enumerate(JOINTS):
        frame_of_body[int(model.joint(joint.name).bodyid[0])] = i
    tables = object_fields(model, objects).tables
    pos, quat, size = (tables[f"geom_{name}"][:, geoms].astype(float) for name in ("pos", "quat", "size"))
    rot = np.stack([[_rotation(q) for q in row] for row in quat])
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    frame_id = []
    for i, geom in enumerate(geoms):
        body = int(model.geom_bodyid[geom])
        if model.body_weldid[body] == 0:
            body = 0
            pos[:, i], rot[:, i] = data.geom_xpos[geom], data.geom_xmat[geom].reshape(3, 3)
        frame_id.append(frame_of_body[body])
    kind = np.tile([_kind(model, geom) for geom in geoms], (len(objects), 1))
    kind[size[..., 0] <= 1.5 * UNUSED_SIZE] = unit_shapes.NONE
    spheres = model.geom_type[geoms] == _GEOM.mjGEOM_SPHERE
    size[:, spheres] = size[:, spheres, :1]
    floats = (value.astype(np.float32) for value in (pos, rot, size))
    return Primitives(np.array(frame_id, np.int32), kind.astype(np.int32), *floats)


def parts(model: mujoco.MjModel) -> np.ndarray:
    """Which part of the scene each primitive of `tabulate` belongs to, see `looks`; int32 [G]."""
    names = [model.geom(geom).name for geom in _visible(model)]
    part = [next(part for start, part in _PARTS if name.startswith(start)) for name in names]
    return np.array(part, np.int32)


def _visible(model: mujoco.MjModel) -> np.ndarray:
    """Small and near geoms first: what lies behind them need not be tested."""
    return np.flatnonzero(model.geom_group < scene.FLOOR_GROUP)[::-1]


def _kind(model: mujoco.MjModel, geom: int) -> int:
    kind = _KINDS.get(_GEOM(model.geom_type[geom]))
    if kind is None:
        shape = _GEOM(model.geom_type[geom]).name.removeprefix("mjGEOM_").lower()
        raise ValueError(
            f"geom {model.geom(geom).name!r} is a {shape}; warp and madrona draw boxes, cylinders, "
            "capsules, ellipsoids and spheres: hide the geom from the camera, or use mjwarp"
        )
    return kind


def _rotation(quat: np.ndarray) -> np.ndarray:
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quat)
    return matrix.reshape(3, 3)
