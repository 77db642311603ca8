"""A video of a session: the cell, and what the depth camera sees, turned upright."""

from typing import Any

import mujoco
import numpy as np

from mjxdex.config import CameraConfig
from mjxdex.deploy.camera_model import depth_camera
from mjxdex.deploy.loop import Step
from mjxdex.deploy.ray_caster import RayCaster, overview
from mjxdex.deploy.simulated import SimulatedRobot
from mjxdex.evaluation.frames import rgb_and_depth

EVERY = 4
"""Control steps from one picture to the next: 15 a second."""


class Recorder:
    """Adds a picture every few control steps.

    Args:
      video: from `evaluation.video.open_video`.
      robot: the cell.
      camera: resolution and range of the depth camera.
      width, height: of the picture of the cell, pixels; even.
    """

    def __init__(
        self, video: Any, robot: SimulatedRobot, camera: CameraConfig, width: int = 432, height: int = 324
    ) -> None:
        self._video, self._robot, self._camera = video, robot, camera
        self._width, self._height, self._steps = width, height, 0
        self._model: mujoco.MjModel | None = None

    def __call__(self, step: Step) -> None:
        self._steps += 1
        if self._steps % EVERY == 1:
            self._video.append_data(self.picture())

    def picture(self) -> np.ndarray:
        """The present moment, uint8 [H, W, 3]."""
        with self._robot.lock:
            model, moment = self._robot.model, self._robot.moments[-1]
        if model is not self._model:
            self._model = model
            self._cell = RayCaster(model, overview(self._width, self._height))
            self._depth = RayCaster(model, depth_camera(self._camera))
            self._data = mujoco.MjData(self._cell.model)
        self._data.qpos[:] = moment.qpos
        mujoco.mj_kinematics(self._cell.model, self._data)
        rgb = self._cell.picture(self._data)
        depth = self._depth.depth(self._data, self._camera.depth_max)
        return rgb_and_depth(rgb[None], depth[None], self._camera.depth_min, self._camera.depth_max)[0]
