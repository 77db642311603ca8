"""A robot and its camera simulated by MuJoCo C, behind the interfaces of the real ones."""

import threading
from collections import deque
from typing import Any, NamedTuple, Protocol

import mujoco
import numpy as np

from mjxdex.config import Config
from mjxdex.deploy import cell
from mjxdex.deploy.interfaces import Image, JointReading
from mjxdex.deploy.sensor import Sensor
from mjxdex.objects import ObjectSet
from mjxdex.robot.tables import KD, KP, NUM_ARM, NUM_JOINTS, RESET_POS

OBJECT_POS = slice(NUM_JOINTS, NUM_JOINTS + 3)
OBJECT_QPOS = slice(NUM_JOINTS, NUM_JOINTS + 7)
OBJECT_QVEL = slice(NUM_JOINTS, NUM_JOINTS + 6)
_REMEMBERED = 120
"""Moments of which images can still arrive: two seconds."""


class Moment(NamedTuple):
    """Time (s) and qpos [30] at which the camera exposed."""

    time: float
    qpos: np.ndarray


class SimulatedRobot:
    """RobotDriver on MuJoCo C; `advance` makes its time pass.

    Args:
      config: physics settings.
      objects: the set to take objects from.
      object_id: the first one; `place` changes it.

    Attributes:
      model: of the cell with the present object.
      moments: the last ones at which a control step ended.
      stopped: `stop` was called after the last command.
    """

    def __init__(self, config: Config, objects: ObjectSet, object_id: int = 0) -> None:
        self._config, self.objects = config, objects
        self.lock = threading.RLock()
        self.moments: deque[Moment] = deque(maxlen=_REMEMBERED)
        self.stopped = False
        self._steps, self._target = 0, RESET_POS
        self.model = cell.build(config, objects, object_id)
        self._data = mujoco.MjData(self.model)
        self._data.qpos[:NUM_JOINTS] = RESET_POS
        self._data.ctrl[:] = RESET_POS
        self._expose()

    def place(self, object_id: int, pos: tuple[float, ...], quat: tuple[float, ...] = (1, 0, 0, 0)) -> None:
        """Takes the present object away and puts another one at a pose; the robot goes on as it was."""
        with self.lock:
            old = self._data
            self.model = cell.build(self._config, self.objects, object_id)
            self._data = mujoco.MjData(self.model)
            self._data.time = old.time
            self._data.qpos[:NUM_JOINTS] = old.qpos[:NUM_JOINTS]
            self._data.qvel[:NUM_JOINTS] = old.qvel[:NUM_JOINTS]
            self._data.ctrl[:] = old.ctrl
            self._data.qpos[OBJECT_QPOS] = (*pos, *quat)
            self.moments.clear()
            self._expose()

    def reset(self, time: float | None = None) -> None:
        """Puts the robot at rest at its reset pose; the object stays. `time` sets the clock, s."""
        with self.lock:
            if time is not None:
                self._data.time = time
            self._data.qpos[:NUM_JOINTS] = RESET_POS
            self._data.qvel[:NUM_JOINTS] = 0
            self._data.ctrl[:] = RESET_POS
            self._target = RESET_POS
            self.moments.clear()
            self._expose()

    def read(self) -> JointReading:
        with self.lock:
            data = self._data
            return JointReading(data.time, data.qpos[:NUM_JOINTS].copy(), data.qvel[:NUM_JOINTS].copy())

    def command(self, pos: np.ndarray, vel: np.ndarray) -> None:
        with self.lock:
            self.stopped = False
            self._target = pos
            self._data.ctrl[:] = pos + KD / KP * vel

    def stop(self) -> None:
        with self.lock:
            if not self.stopped:
                self._data.ctrl[:NUM_ARM] = self._data.qpos[:NUM_ARM]
                self._data.ctrl[NUM_ARM:] = self._target[NUM_ARM:]
            self.stopped = True

    def advance(self, time: float) -> None:
        """Simulates up to `time`, s."""
        substeps = self._config.physics.substeps
        while True:
            with self.lock:
                if self._data.time >= time - 1e-6:
                    return
                mujoco.mj_step(self.model, self._data)
                self._steps += 1
                if self._steps % substeps == 0:
                    self._expose()

    @property
    def now(self) -> float:
        """The robot's time, s."""
        return self._data.time

    def push(self, velocity: np.ndarray) -> None:
        """Gives the object a velocity [3], m/s, on top of its own."""
        with self.lock:
            self._data.qvel[OBJECT_QVEL][:3] += velocity

    @property
    def object_pos(self) -> np.ndarray:
        """True position of the object [3], metres: for judges, not for policies."""
        with self.lock:
            return self._data.qpos[OBJECT_POS].copy()

    def _expose(self) -> None:
        self.moments.append(Moment(self._data.time, self._data.qpos.copy()))


class Faults(NamedTuple):
    """What is wrong with a simulated camera.

    Attributes:
      latency: from exposure to arrival, s.
      jitter: largest additional delay, s; uniform, drawn anew for each image.
      dropped: probability that an image never arrives.
      euler_error: of the camera's mounting, about the fixed axes x, y and z, [3], rad.
      pos_error: likewise, [3], metres.
    """

    latency: float = 0.0
    jitter: float = 0.0
    dropped: float = 0.0
    euler_error: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pos_error: tuple[float, float, float] = (0.0, 0.0, 0.0)


NO_FAULTS = Faults()


class Cell(Protocol):
    """What a simulated camera needs to know of the cell that it looks at; `SimulatedRobot` is one."""

    lock: Any
    model: mujoco.MjModel
    moments: deque[Moment]

    @property
    def now(self) -> float: ...


class SimulatedCamera:
    """Camera by ray casting, one image a control step.

    Args:
      robot: whose moments are pictured.
      config: of the policy that looks; it says which images.
      faults, seed: as for `configure`.
    """

    def __init__(self, robot: Cell, config: Config, faults: Faults = NO_FAULTS, seed: int = 0) -> None:
        self._robot, self._config = robot, config
        self.configure(faults, seed)

    def configure(self, faults: Faults, seed: int) -> None:
        """Another camera from now on: with these delays, losses and mounting; `seed` is that of jitter and
        losses."""
        self._faults, self._seed = faults, seed
        self._sensor = Sensor(self._config, np.array(faults.euler_error), np.array(faults.pos_error))
        self._newest: Image | None = None

    def read(self) -> Image | None:
        with self._robot.lock:
            model, now = self._robot.model, self._robot.now
            arrived = [moment for moment in self._robot.moments if self._arrival(moment.time) <= now + 1e-9]
        if arrived and (self._newest is None or arrived[-1].time > self._newest.time):
            self._newest = self._sensor.draw(model, arrived[-1].qpos, arrived[-1].time)
        return self._newest

    def _arrival(self, exposed: float) -> float:
        """When the image of a moment arrives: a function of the moment, so that asking twice is no matter."""
        faults = self._faults
        if not faults.jitter and not faults.dropped:
            return exposed + faults.latency
        late, lost = np.random.default_rng((self._seed, round(exposed * 1e6))).uniform(size=2)
        return np.inf if lost < faults.dropped else exposed + faults.latency + late * faults.jitter


class SimulatedClock:
    """A clock that goes as fast as the simulation can: sleeping makes the robot's time pass."""

    def __init__(self, robot: SimulatedRobot) -> None:
        self._robot = robot

    def now(self) -> float:
        return self._robot.now

    def sleep_until(self, time: float) -> None:
        self._robot.advance(time)
