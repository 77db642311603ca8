"""Lets a simulated cell go on in real time, as a real one does, while the control loop thinks."""

import threading
import time

from mjxdex.deploy.interfaces import Camera, DepthImage
from mjxdex.deploy.simulated import SimulatedRobot

_TICK = 1 / 240
"""Real time between two calls of `advance`, s."""


class BackgroundCamera:
    """Reads a slow camera in a thread of its own; `read` gives the newest image at once.

    Args:
      camera: whose `read` may take long; an attribute, to be exchanged at any time.
      period: least time between two reads, s.
    """

    def __init__(self, camera: Camera, period: float = 1 / 60) -> None:
        self.camera, self._period = camera, period
        self._newest: DepthImage | None = None

    def read(self) -> DepthImage | None:
        return self._newest

    def refresh(self) -> None:
        """Reads the slow camera once."""
        self._newest = self.camera.read()


class RealTime:
    """A context in which the robot's time is `time.monotonic`.

    Args:
      robot: advanced by one thread.
      camera: refreshed by another.
    """

    def __init__(self, robot: SimulatedRobot, camera: BackgroundCamera) -> None:
        self._robot, self._camera, self._over = robot, camera, threading.Event()
        self._threads = [threading.Thread(target=job, daemon=True) for job in (self._advance, self._refresh)]

    def __enter__(self) -> "RealTime":
        self._robot.reset(time.monotonic())
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _advance(self) -> None:
        while not self._over.wait(_TICK):
            self._robot.advance(time.monotonic())

    def _refresh(self) -> None:
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            self._camera.refresh()
            due = max(due + 1 / 60, time.monotonic())
