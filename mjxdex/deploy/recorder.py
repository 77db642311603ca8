"""A video of a session: the cell, and what the policy's camera sees, turned upright."""

from typing import Any

import mujoco
import numpy as np

from mjxdex.config import Config
from mjxdex.deploy.loop import Step
from mjxdex.deploy.ray_caster import RayCaster, overview
from mjxdex.deploy.sensor import Sensor, as_picture
from mjxdex.deploy.simulated import SimulatedRobot
from mjxdex.evaluation.frames import beside

EVERY = 4
"""Control steps from one picture to the next: 15 a second."""


class Recorder:
    """Adds a picture every few control steps.

    Args:
      video: from `evaluation.video.open_video`.
      robot: the cell.
      config: of the policy that looks.
      width, height: of the picture of the cell, pixels; even.
    """

    def __init__(
        self, video: Any, robot: SimulatedRobot, config: Config, width: int = 432, height: int = 324
    ) -> None:
        self._video, self._robot, self._camera = video, robot, config.camera
        self._sensor = Sensor(config)
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
            self._data = mujoco.MjData(self._cell.model)
        self._data.qpos[:] = moment.qpos
        mujoco.mj_kinematics(self._cell.model, self._data)
        rgb = self._cell.picture(self._data)
        seen = as_picture(self._sensor.draw(model, moment.qpos, moment.time), self._camera)
        return beside(rgb[None], seen[None])[0]
