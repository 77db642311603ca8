"""Our own depth renderer: primitives only, culled by tile; see `tiles`."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import warp as wp

from mjxdex import scene
from mjxdex.config import CameraConfig
from mjxdex.objects import ObjectSet
from mjxdex.objects.slots import UNUSED_SIZE
from mjxdex.physics import warp_settings as _  # noqa: F401  quiet Warp
from mjxdex.physics.object_fields import object_fields
from mjxdex.render import tiles
from mjxdex.render.cameras import Cameras
from mjxdex.robot import kinematics
from mjxdex.robot.tables import JOINTS

_GEOM = mujoco.mjtGeom
_KINDS = {
    _GEOM.mjGEOM_BOX: tiles.BOX,
    _GEOM.mjGEOM_CYLINDER: tiles.CYLINDER,
    _GEOM.mjGEOM_CAPSULE: tiles.CAPSULE,
    _GEOM.mjGEOM_ELLIPSOID: tiles.ELLIPSOID,
    _GEOM.mjGEOM_SPHERE: tiles.ELLIPSOID,
}
_OBJECT_FRAME, _WORLD_FRAME = len(JOINTS), len(JOINTS) + 1


class TiledDepthRenderer:
    """Depth camera of the scene; see `DepthRenderer`. Like the published task's camera it does not see the
    floor.

    It holds no state: any number of programs may call it at the same time, on any device.

    Args:
      model: from `scene.build(config, objects)`.
      objects: the set of that model.
      camera: resolution.
      num_envs: N, envs per device.
      devices: those that the calling program runs on, for which the kernels are compiled now; None for the
        default device.
      tile: how images are split. Changes the speed, not the images.

    Raises:
      ValueError: if the camera sees a geom that is no box, cylinder, capsule, ellipsoid or sphere.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        objects: ObjectSet,
        camera: CameraConfig,
        num_envs: int,
        devices: list[jax.Device] | None = None,
        tile: tiles.Tile = tiles.DEFAULT_TILE,
    ) -> None:
        self.num_envs = num_envs
        self._shape = (camera.height, camera.width)
        self._tile = tile
        # Small and near ones first: what lies behind them need not be tested.
        geoms = np.flatnonzero(model.geom_group < scene.FLOOR_GROUP)[::-1]
        self._frame_id, self._tables = _tabulate(model, objects, geoms)
        cull, trace = tiles.cull(tile), tiles.trace(tile)
        for device in {str(wp.device_from_jax(device)) for device in devices or jax.devices()[:1]}:
            for kernel, block in ((tiles.place, None), (cull, None), (trace, tile.block)):
                wp.load_module(kernel.module, device, block_dim=block)
        self._place = wp.jax_kernel(tiles.place, num_outputs=2)
        self._cull = wp.jax_kernel(cull)
        self._trace = wp.jax_kernel(trace, block_dim=tile.block)

    def render(self, qpos: jax.Array, object_id: jax.Array, cameras: Cameras) -> jax.Array:
        """See `DepthRenderer.render`."""
        if qpos.shape[0] != self.num_envs:
            raise ValueError(f"qpos holds {qpos.shape[0]} envs; this renderer was made for {self.num_envs}")
        primitives, bounds = self.place(jax.vmap(_frames)(qpos), object_id, cameras)
        return self.trace(cameras.focal, primitives, self.cull(cameras.focal, bounds))

    def place(self, frames: jax.Array, object_id: jax.Array, cameras: Cameras) -> tuple[jax.Array, jax.Array]:
        """Primitives before the camera [N, G, 4, 4] and their screen bounds [N, G, 4]."""
        size = (self.num_envs, len(self._frame_id))
        primitives, bounds = self._place(
            frames,
            cameras.pos,
            cameras.rot,
            object_id,
            self._frame_id,
            *self._tables,
            launch_dims=size,
            output_dims=dict.fromkeys(("primitives", "bounds"), size),
        )
        return primitives, bounds

    def cull(self, focal: jax.Array, bounds: jax.Array) -> jax.Array:
        """Which primitives each tile may see, as bits: uint32 [N, tiles, words]."""
        height, width = self._shape
        size = (self.num_envs, self._tile.count(width, height))
        words = -(-len(self._frame_id) // tiles.WORD)
        dims = {"masks": (*size, words)}
        return self._cull(focal, bounds, width, height, launch_dims=size, output_dims=dims)[0]

    def trace(self, focal: jax.Array, primitives: jax.Array, masks: jax.Array) -> jax.Array:
        """Planar depth float32 [N, H, W], metres."""
        size = (*masks.shape[:2], self._tile.threads)
        dims = {"depth": (self.num_envs, *self._shape)}
        return self._trace(focal, primitives, masks, launch_dims=size, output_dims=dims)[0]


def _frames(qpos: jax.Array) -> jax.Array:
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


def _tabulate(
    model: mujoco.MjModel, objects: ObjectSet, geoms: np.ndarray
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """frame_id [G] and the tables kind, local_pos, local_rot and size of `tiles.place`, for K objects."""
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
    kind[size[..., 0] <= 1.5 * UNUSED_SIZE] = tiles.NONE
    spheres = model.geom_type[geoms] == _GEOM.mjGEOM_SPHERE
    size[:, spheres] = size[:, spheres, :1]
    floats = (value.astype(np.float32) for value in (pos, rot, size))
    return np.array(frame_id, np.int32), (kind.astype(np.int32), *floats)


def _kind(model: mujoco.MjModel, geom: int) -> int:
    kind = _KINDS.get(_GEOM(model.geom_type[geom]))
    if kind is None:
        shape = _GEOM(model.geom_type[geom]).name.removeprefix("mjGEOM_").lower()
        raise ValueError(
            f"geom {model.geom(geom).name!r} is a {shape}; render.backend warp draws boxes, cylinders, "
            "capsules, ellipsoids and spheres: hide the geom from the camera, or use mjwarp"
        )
    return kind


def _rotation(quat: np.ndarray) -> np.ndarray:
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quat)
    return matrix.reshape(3, 3)
