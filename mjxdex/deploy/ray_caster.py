"""Images of a MuJoCo model by MuJoCo's own ray caster: no GPU, no OpenGL, no code shared with training."""

import copy

import mujoco
import numpy as np

from mjxdex.deploy.camera_model import Pinhole
from mjxdex.robot.mjcf import ROBOT_GROUP
from mjxdex.scene import FLOOR_GROUP, TABLE_GROUP

_LIGHT = np.array([-0.45, -0.35, 1.0]) / np.linalg.norm([-0.45, -0.35, 1.0])
"""Direction to the light of the pictures."""
_AMBIENT = 0.45
_SKY = np.array([226, 232, 238], np.uint8)


class RayCaster:
    """Casts one ray through the middle of each pixel.

    Args:
      model: from `scene`.
      camera: where the rays come from.

    Attributes:
      model: a copy of the model, for the data to show.
    """

    def __init__(self, model: mujoco.MjModel, camera: Pinhole) -> None:
        self.model, self._camera = _without_culling(model), camera
        slopes = camera.slopes().reshape(-1, 3)
        self._lengths = np.linalg.norm(slopes, axis=1)
        self._rays = np.ascontiguousarray((slopes / self._lengths[:, None]) @ camera.rot.T)
        self._geom = np.zeros(len(slopes), np.int32)
        self._distance = np.zeros(len(slopes))
        self._normal = np.zeros((len(slopes), 3))

    def depth(self, data: mujoco.MjData, farthest: float) -> np.ndarray:
        """Planar depth float32 [H, W], metres, as `render.DepthRenderer` defines it: 0 where nothing is hit.

        Args:
          data: with geom poses up to date.
          farthest: metres; what is beyond may be left out.
        """
        self._cast(data, (0, TABLE_GROUP, ROBOT_GROUP), farthest * float(self._lengths.max()), None)
        depth = np.where(self._geom >= 0, self._distance / self._lengths, 0.0)
        return depth.reshape(self._camera.height, self._camera.width).astype(np.float32)

    def picture(self, data: mujoco.MjData) -> np.ndarray:
        """A shaded picture with everything in it, uint8 [H, W, 3]."""
        self._cast(data, (0, TABLE_GROUP, ROBOT_GROUP, FLOOR_GROUP), 10.0, self._normal)
        light = _AMBIENT + (1 - _AMBIENT) * np.maximum(self._normal @ _LIGHT, 0.0)
        colours = 255 * self.model.geom_rgba[self._geom, :3] * light[:, None]
        seen = np.where(self._geom[:, None] >= 0, np.minimum(colours, 255), _SKY)
        return seen.reshape(self._camera.height, self._camera.width, 3).astype(np.uint8)

    def _cast(
        self, data: mujoco.MjData, groups: tuple[int, ...], cutoff: float, normal: np.ndarray | None
    ) -> None:
        mask = np.isin(np.arange(mujoco.mjNGROUP), groups).astype(np.uint8)
        rays, count = self._rays.ravel(), len(self._rays)
        mujoco.mj_multiRay(
            self.model, data, self._camera.pos, rays, mask, 1, -1, self._geom, self._distance,
            None if normal is None else normal.ravel(), count, cutoff,
        )  # fmt: skip


def _without_culling(model: mujoco.MjModel) -> mujoco.MjModel:
    """A copy in which `mj_multiRay` finds every geom.

    MuJoCo 3.17 skips a body for rays that miss a sphere around the root of its bounding volumes. For bodies
    whose principal axes are turned that sphere misses geoms, too, and whole finger links vanish (`mj_ray`
    sees them). Here the root of each body is a box around its inertial frame that holds all its geoms however
    it is turned. A plane has no bounds, so its body gets one of 1 km.
    """
    model = copy.copy(model)
    for body in range(model.nbody):
        if model.body_bvhadr[body] < 0:
            continue
        geoms = slice(model.body_geomadr[body], model.body_geomadr[body] + model.body_geomnum[body])
        offsets = np.linalg.norm(model.geom_pos[geoms] - model.body_ipos[body], axis=1)
        is_plane = model.geom_type[geoms] == mujoco.mjtGeom.mjGEOM_PLANE
        reach = (offsets + np.where(is_plane, 1e3, model.geom_rbound[geoms])).max()
        model.bvh_aabb[model.body_bvhadr[body]] = (0, 0, 0, reach, reach, reach)
    return model


def overview(width: int, height: int) -> Pinhole:
    """A camera that sees table, robot and bin.

    Args:
      width, height: pixels.
    """
    pos, target = np.array([-1.35, -1.15, 1.35]), np.array([-0.28, 0.12, 0.42])
    forward = (target - pos) / np.linalg.norm(target - pos)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    rot = np.stack([right, np.cross(forward, right), forward], axis=1)
    return Pinhole(pos, rot, 1.2 * width, width, height)
