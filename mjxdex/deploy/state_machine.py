"""What the robot is up to: to its home pose, grasping by policy, to the bin with a closed hand, opening it.

Source of states, poses and thresholds: the published deployment. Added here, since that has no way out of a
failed grasp: time-outs, an object that is lost from sight, and STOPPED, which only an operator leaves.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from mjxdex.robot import tables

_INDEX_TIP = tables.HAND_POINTS.index("index_biotac_tip")
_THUMB_TIP = tables.HAND_POINTS.index("thumb_biotac_tip")


class Mode(StrEnum):
    HOME = "home"
    POLICY = "policy"
    BOX_CLOSED = "box, closed"
    BOX_OPEN = "box, open"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Poses:
    """Targets of the fabric: palm x, y, z (m) and Euler angles about z, y, x (rad) [6], hand PCA [5]."""

    home_palm: tuple[float, ...] = (-0.6868, 0.0320, 0.685, -2.3873, -0.0824, 3.1301)
    home_hand: tuple[float, ...] = (1.5, 1.5, 0.0, 0.5, -0.25)
    box_palm: tuple[float, ...] = (0.02, 0.45, 0.385, 2.355, 0.0, 3.14)
    open_hand: tuple[float, ...] = (0.2475, -0.3286, -0.7238, -0.0192, -0.5532)


@dataclass(frozen=True)
class Thresholds:
    """When a state is left; metres and seconds."""

    home_distance: float = 0.10
    """Palm to its home position at which the policy may be engaged."""
    lifted_height: float = 0.45
    """Estimated height of the object above which it counts as lifted."""
    box_distance: float = 0.20
    """Palm to its position over the bin within which the hand opens."""
    open_distance: float = 0.23
    """Tip of the index finger to tip of the thumb beyond which the hand counts as open."""
    grip_filter: float = 0.1
    """Share of the policy's new hand target in the grip that is kept on the way to the bin."""
    home_timeout: float = 10.0
    """Longest way home; the robot is stuck after that. From here on our own numbers."""
    policy_timeout: float = 20.0
    """Longest grasp: two training episodes."""
    lost_timeout: float = 3.0
    """Longest time without a fresh position during a grasp; that of an estimate is fresh for 1 s."""
    box_timeout: float = 10.0
    """Longest way to the bin; the robot is stuck after that."""
    open_timeout: float = 5.0
    """Longest opening of the hand; it is stuck after that."""


class Event(NamedTuple):
    """A change of mode: when (s), to which, and why."""

    time: float
    mode: Mode
    reason: str


class StateMachine:
    """Call `update` once a control step; it says what to do in this one.

    Args:
      time: now, s.
      poses, thresholds: of the cell.

    Attributes:
      mode: HOME at first.
      engaged: an operator's switch: only while it is on does HOME pass on to POLICY.
      events: all changes of mode, the first one included.
    """

    def __init__(self, time: float, poses: Poses | None = None, thresholds: Thresholds | None = None) -> None:
        self.poses, self.thresholds = poses or Poses(), thresholds or Thresholds()
        self.engaged = True
        self.mode, self.events = Mode.HOME, [Event(time, Mode.HOME, "start")]
        self._seen = time
        self._grip = np.array(self.poses.home_hand)

    @property
    def since(self) -> float:
        """When the present mode began, s."""
        return self.events[-1].time

    def note_grip(self, pca_target: np.ndarray) -> None:
        """Follows the policy's hand targets [5], one a control step."""
        self._grip = self._grip + self.thresholds.grip_filter * (pca_target - self._grip)

    def update(self, time: float, hand_points: np.ndarray, object_pos: np.ndarray | None) -> Mode:
        """Decides whether the mode changes.

        Args:
          time: now, s.
          hand_points: measured, [5, 3], metres.
          object_pos: fresh estimate of the object's position [3], metres, or None.

        Returns: the mode of this control step.
        """
        limits, palm = self.thresholds, hand_points[0]
        if object_pos is not None:
            self._seen = time
        if self.mode is Mode.HOME:
            away = float(np.linalg.norm(palm - self.poses.home_palm[:3]))
            if away < limits.home_distance and self.engaged:
                self._grip = np.array(self.poses.home_hand)
                self._seen = time
                self._enter(time, Mode.POLICY, "at home")
            elif away >= limits.home_distance and time - self.since > limits.home_timeout:
                self.stop(time, f"stuck: {away:.2f} m from home after {limits.home_timeout:g} s")
        elif self.mode is Mode.POLICY:
            if object_pos is not None and object_pos[2] > limits.lifted_height:
                self._enter(time, Mode.BOX_CLOSED, "lifted")
            elif time - self.since > limits.policy_timeout:
                self._enter(time, Mode.HOME, "time-out")
            elif time - self._seen > limits.lost_timeout:
                self._enter(time, Mode.HOME, "lost")
        elif self.mode is Mode.BOX_CLOSED:
            away = float(np.linalg.norm(palm - self.poses.box_palm[:3]))
            if away < limits.box_distance:
                self._enter(time, Mode.BOX_OPEN, "over the bin")
            elif time - self.since > limits.box_timeout:
                self.stop(time, f"stuck: {away:.2f} m from the bin after {limits.box_timeout:g} s")
        elif self.mode is Mode.BOX_OPEN:
            away = float(np.linalg.norm(palm - self.poses.box_palm[:3]))
            gap = float(np.linalg.norm(hand_points[_INDEX_TIP] - hand_points[_THUMB_TIP]))
            if away < limits.box_distance and gap > limits.open_distance:
                self._enter(time, Mode.HOME, "released")
            elif time - self.since > limits.open_timeout:
                self.stop(time, f"stuck: hand open by {gap:.2f} m after {limits.open_timeout:g} s")
        return self.mode

    def targets(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Palm position [3] (m), Euler angles ZYX [3] (rad) and hand PCA [5] of every mode but POLICY."""
        palm, hand = {
            Mode.HOME: (self.poses.home_palm, self.poses.home_hand),
            Mode.BOX_CLOSED: (self.poses.box_palm, self._grip),
            Mode.BOX_OPEN: (self.poses.box_palm, self.poses.open_hand),
        }[self.mode]
        return np.array(palm[:3]), np.array(palm[3:]), np.array(hand)

    def stop(self, time: float, reason: str) -> None:
        """Stops for good; only the first reason counts."""
        if self.mode is not Mode.STOPPED:
            self._enter(time, Mode.STOPPED, reason)

    def resume(self, time: float) -> None:
        """An operator's word that the robot may go home."""
        self._enter(time, Mode.HOME, "resumed")

    def _enter(self, time: float, mode: Mode, reason: str) -> None:
        self.mode = mode
        self.events.append(Event(time, mode, reason))
