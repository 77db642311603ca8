"""What a robot, a camera and a clock have to do for the control loop.

Everything that is measured carries the time at which it was true, on the clock that the loop reads: the loop
decides by it what is too old. Joints are in the order of `robot.tables.JOINT_NAMES`.
"""

from time import monotonic, sleep
from typing import NamedTuple, Protocol

import numpy as np


class JointReading(NamedTuple):
    """Measured joint positions (rad) and velocities (rad/s), float64 [23] each, true at `time` (s)."""

    time: float
    pos: np.ndarray
    vel: np.ndarray


class DepthImage(NamedTuple):
    """Planar depth float32 [H, W], metres, 0 where nothing was measured, exposed at `time` (s).

    It is the picture of the camera that the policy was trained with: its resolution, field of view and pose,
    first row on top.
    """

    time: float
    depth: np.ndarray


class StereoImage(NamedTuple):
    """Colour pictures of both cameras, uint8 [H, W, 3] each, sRGB, exposed at `time` (s).

    As the cameras deliver them: the right one hangs head down. Resolution, field of view and poses are those
    that the policy was trained with.
    """

    time: float
    left: np.ndarray
    right: np.ndarray

    def turned(self) -> tuple[np.ndarray, np.ndarray]:
        """Left, and right turned by 180 degrees, as policies see them."""
        return self.left, self.right[::-1, ::-1]


Image = DepthImage | StereoImage


class RobotDriver(Protocol):
    """An iiwa 7 with an Allegro hand, or what stands for them. No call may block for longer than 2 ms."""

    def read(self) -> JointReading:
        """The newest reading; the same one again if there is no newer."""
        ...

    def command(self, pos: np.ndarray, vel: np.ndarray) -> None:
        """Sets targets of all joint servos until the next call: rad and rad/s, float64 [23] each."""
        ...

    def stop(self) -> None:
        """Brings the arm to rest where it is and lets the hand keep its last targets, until `command` is
        called again. May be called from another thread, at any time and more than once."""
        ...


class Camera(Protocol):
    """A depth camera, or a pair of colour cameras that expose together."""

    def read(self) -> Image | None:
        """The newest image; the same one again if there is no newer, None if there never was one."""
        ...


class Clock(Protocol):
    """The time line of readings, images and deadlines."""

    def now(self) -> float:
        """Seconds since some moment of the past."""
        ...

    def sleep_until(self, time: float) -> None:
        """Returns at `time`, or at once if that has passed."""
        ...


class WallClock:
    """Real time."""

    def now(self) -> float:
        return monotonic()

    def sleep_until(self, time: float) -> None:
        sleep(max(0.0, time - monotonic()))
