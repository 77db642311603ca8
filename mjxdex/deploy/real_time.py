"""A simulated cell in real time: physics and camera in processes of their own, as a robot's are elsewhere.

Stamps are `time.monotonic`, which all processes of a machine share. On two cores the control loop has one for
itself; the camera takes most of the other.
"""

import math
import multiprocessing
import time
from collections import deque
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

import mujoco
import numpy as np

from mjxdex.config import Config
from mjxdex.deploy import cell
from mjxdex.deploy.interfaces import DepthImage, Image, JointReading, StereoImage
from mjxdex.deploy.simulated import NO_FAULTS, Faults, Moment, SimulatedCamera, SimulatedRobot
from mjxdex.objects import ObjectSet
from mjxdex.robot.tables import NUM_JOINTS

_NUM_QPOS = NUM_JOINTS + 7
_PHYSICS_PERIOD = 1 / 240
_CAMERA_PERIOD = 1 / 60
_START_S = 60.0
"""Longest start of the processes, s."""


class _Board:
    """What the processes tell each other, in shared memory.

    Attributes:
      reading: time, positions, velocities of the joints.
      command: positions, velocities.
      moment: time and qpos of the last control step's end.
      image_time, image: when it was exposed, and its pixels [*shape] of `dtype`; with two eyes, both.
      numbers: commands so far, whether the last one was a stop, object in the cell, settings of the camera.
    """

    def __init__(self, context: Any, config: Config) -> None:
        self.lock = context.Lock()
        if config.observation.stereo:
            self.shape, self.dtype = (2, config.rgb.height, config.rgb.width, 3), np.uint8
        else:
            self.shape, self.dtype = (config.camera.height, config.camera.width), np.float32
        self.reading = context.RawArray("d", 1 + 2 * NUM_JOINTS)
        self.command = context.RawArray("d", 2 * NUM_JOINTS)
        self.moment = context.RawArray("d", 1 + _NUM_QPOS)
        self.image_time = context.RawValue("d", -1.0)
        self.image = context.RawArray("b", math.prod(self.shape) * np.dtype(self.dtype).itemsize)
        self.numbers = context.RawArray("q", 4)
        self.over = context.Event()

    def pixels(self) -> np.ndarray:
        """The image's own memory; hold the lock while using it."""
        return np.frombuffer(self.image, self.dtype).reshape(self.shape)

    def load(self, array: Any) -> np.ndarray:
        with self.lock:
            return np.array(array)

    def store(self, array: Any, *values: Any) -> None:
        flat = np.concatenate([np.atleast_1d(value) for value in values])
        with self.lock:
            array[:] = flat


class RealTimeCell:
    """RobotDriver, Camera and cell of `BinPacking` at once; a context that starts and ends the processes.

    Args:
      config: of the policy's training.
      objects: the set to take objects from.
    """

    def __init__(self, config: Config, objects: ObjectSet) -> None:
        self.objects = objects
        context = multiprocessing.get_context("spawn")
        self._board = _Board(context, config)
        self._physics, physics_end = context.Pipe()
        self._camera, camera_end = context.Pipe()
        self._processes: list[SpawnProcess] = [
            context.Process(target=job, args=(config, objects, self._board, end), daemon=True)
            for job, end in ((_simulate, physics_end), (_photograph, camera_end))
        ]

    def __enter__(self) -> "RealTimeCell":
        for process, end in zip(self._processes, (self._physics, self._camera), strict=True):
            process.start()
            if not end.poll(_START_S):
                raise TimeoutError(f"the simulated cell did not start within {_START_S:g} s")
            end.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._board.over.set()
        for process in self._processes:
            process.join()

    def read(self) -> JointReading:
        values = self._board.load(self._board.reading)
        return JointReading(values[0], values[1 : 1 + NUM_JOINTS], values[1 + NUM_JOINTS :])

    def command(self, pos: np.ndarray, vel: np.ndarray) -> None:
        self._board.store(self._board.command, pos, vel)
        self._count(stop=False)

    def stop(self) -> None:
        self._count(stop=True)

    def image(self) -> Image | None:
        """The newest image."""
        board = self._board
        with board.lock:
            if board.image_time.value < 0:
                return None
            time, pixels = board.image_time.value, board.pixels().copy()
        return DepthImage(time, pixels) if pixels.ndim == 2 else StereoImage(time, *pixels)

    def place(self, object_id: int, pos: tuple[float, ...], quat: tuple[float, ...] = (1, 0, 0, 0)) -> None:
        """As `SimulatedRobot.place`."""
        self._ask(self._physics, ("place", (object_id, pos, quat)))

    def reset(self) -> None:
        """As `SimulatedRobot.reset`."""
        self._ask(self._physics, ("reset", ()))

    def configure(self, faults: Faults, seed: int) -> None:
        """As `SimulatedCamera.configure`."""
        self._ask(self._camera, ("configure", (faults, seed)))

    @property
    def object_pos(self) -> np.ndarray:
        """As of `SimulatedRobot`."""
        return self._board.load(self._board.moment)[1 + NUM_JOINTS :][:3]

    def _count(self, *, stop: bool) -> None:
        with self._board.lock:
            self._board.numbers[0] += 1
            self._board.numbers[1] = stop

    @staticmethod
    def _ask(end: Connection, request: tuple[str, tuple]) -> None:
        end.send(request)
        end.recv()


class RealTimeCamera:
    """Camera of a RealTimeCell."""

    def __init__(self, cell: RealTimeCell) -> None:
        self._cell = cell

    def read(self) -> Image | None:
        return self._cell.image()

    def configure(self, faults: Faults, seed: int) -> None:
        self._cell.configure(faults, seed)


def _simulate(config: Config, objects: ObjectSet, board: _Board, requests: Connection) -> None:
    """The process that makes the robot's time pass."""
    robot, done, answer = SimulatedRobot(config, objects), 0, "ready"
    robot.reset(time.monotonic())
    while not board.over.wait(_PHYSICS_PERIOD):
        with board.lock:
            number, stop = board.numbers[0], board.numbers[1]
            target = np.array(board.command).reshape(2, NUM_JOINTS)
        if number != done:
            done = number
            robot.stop() if stop else robot.command(*target)
        if requests.poll():
            name, arguments = requests.recv()
            getattr(robot, name)(*arguments)
            answer = "done"
            if name == "place":
                with board.lock:
                    board.numbers[2] = arguments[0]
        robot.advance(time.monotonic())
        board.store(board.reading, *robot.read())
        board.store(board.moment, *robot.moments[-1])
        if answer:
            requests.send(answer)
            answer = ""


class _Mirror:
    """Stands for the robot in the camera's process: the moments that the board shows."""

    def __init__(self, config: Config, objects: ObjectSet, board: _Board) -> None:
        self._config, self._objects, self._board, self._object_id = config, objects, board, -1
        self.lock = board.lock
        self.moments: deque[Moment] = deque(maxlen=120)
        self.update()

    def update(self) -> None:
        values, object_id = self._board.load(self._board.moment), self._board.numbers[2]
        if object_id != self._object_id:
            self._object_id = object_id
            self.model: mujoco.MjModel = cell.build(self._config, self._objects, object_id)
            self.moments.clear()
        if not self.moments or values[0] > self.moments[-1].time:
            self.moments.append(Moment(values[0], values[1:]))

    @property
    def now(self) -> float:
        return time.monotonic()


def _photograph(config: Config, objects: ObjectSet, board: _Board, requests: Connection) -> None:
    """The process that draws images."""
    mirror = _Mirror(config, objects, board)
    camera = SimulatedCamera(mirror, config, NO_FAULTS)
    requests.send("ready")
    due = time.monotonic()
    while not board.over.wait(max(0.0, due - time.monotonic())):
        due = max(due + _CAMERA_PERIOD, time.monotonic())
        if requests.poll():
            camera.configure(*requests.recv()[1])
            requests.send("done")
        mirror.update()
        image = camera.read()
        if image is not None and image.time > board.image_time.value:
            with board.lock:
                board.pixels()[:] = image.depth if isinstance(image, DepthImage) else image[1:]
                board.image_time.value = image.time
