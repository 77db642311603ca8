"""What a policy's camera sees of a MuJoCo model: planar depth, or a stereo pair in colour.

Colours are those of the model under one light: none of the looks that students are trained with.
"""

import mujoco
import numpy as np

from mjxdex.config import CameraConfig, Config
from mjxdex.deploy.camera_model import Pinhole, depth_camera, stereo_pair
from mjxdex.deploy.interfaces import DepthImage, Image, StereoImage
from mjxdex.deploy.ray_caster import RayCaster
from mjxdex.evaluation.frames import colorize, upright


class Sensor:
    """Draws images as the policy of a config wants them.

    Args:
      config: which images, their resolution and range.
      euler_error, pos_error: of the mounting, as for `camera_model.depth_camera`; a pair moves as a whole.
    """

    def __init__(
        self, config: Config, euler_error: np.ndarray | None = None, pos_error: np.ndarray | None = None
    ) -> None:
        self._camera = config.camera
        self._pinholes: tuple[Pinhole, ...] = (
            stereo_pair(config.rgb, euler_error, pos_error)
            if config.observation.stereo
            else (depth_camera(config.camera, euler_error, pos_error),)
        )
        self._model: mujoco.MjModel | None = None

    def draw(self, model: mujoco.MjModel, qpos: np.ndarray, time: float) -> Image:
        """The image of a scene with these joint positions, stamped with `time`, s."""
        if model is not self._model:
            self._model = model
            self._casters = [RayCaster(model, pinhole) for pinhole in self._pinholes]
            self._data = mujoco.MjData(self._casters[0].model)
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._casters[0].model, self._data)
        if len(self._casters) == 2:
            left, right = (caster.picture(self._data) for caster in self._casters)
            return StereoImage(time, left, right)
        depth = self._casters[0].depth(self._data, self._camera.depth_max)
        seen = (depth >= self._camera.depth_min) & (depth <= self._camera.depth_max)
        return DepthImage(time, np.where(seen, depth, np.float32(0)))


def as_picture(image: Image, camera: CameraConfig) -> np.ndarray:
    """An image for people, uint8 [H, W, 3], as one sees it who stands beside the camera; a pair side by side.

    Args:
      image: of a portrait camera.
      camera: range of the colours of depth.
    """
    if isinstance(image, DepthImage):
        return upright(colorize(image.depth[None], camera.depth_min, camera.depth_max))[0]
    return np.concatenate([upright(eye[None])[0] for eye in image.turned()], axis=1)
