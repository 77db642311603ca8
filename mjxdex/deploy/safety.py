"""What the robot must not do or believe; each violation stops it in the control step that sees it."""

from dataclasses import dataclass, field

import numpy as np

from mjxdex.deploy.interfaces import DepthImage, Image, JointReading
from mjxdex.robot.tables import HAND_POINTS, JOINT_NAMES, LOWER, NUM_ARM, NUM_HAND, UPPER


@dataclass(frozen=True)
class Limits:
    """Our own numbers where no source is given; a real robot wants its own."""

    joint_margin: float = 0.05
    """By how much measured or commanded joints may pass the limits of the robot description, rad."""
    velocity: tuple[float, ...] = (10.0,) * NUM_ARM + (15.0,) * NUM_HAND
    """Largest measured speed of each joint, rad/s. Source of the arm's: robot description. The hand's is more
    than the 6.3 there; scripted grasps reach 4.9 in simulation, policies have not been seen."""
    tracking: float = 0.35
    """Largest difference of measured and commanded arm joints that may last longer than `tracking_s`, rad."""
    tracking_s: float = 0.5
    """Seconds."""
    workspace: tuple[tuple[float, float], ...] = ((-1.25, 0.45), (-0.50, 0.65), (0.22, 1.35))
    """Where palm and fingertips may be, x, y, z, metres: the fabric's walls and 5 cm; 3 cm into the table."""
    reading_age: float = 0.1
    """Oldest joint reading, s. Source: published deployment."""
    action_age: float = 3 / 60
    """Oldest image for which the policy acts, s; the targets stay as they are then. Source: published
    deployment."""
    image_age: float = 0.5
    """Oldest image while the policy is engaged, s."""
    object_age: float = 1.0
    """Oldest estimate of the object's position that counts, s. Source: published deployment."""


@dataclass
class Monitor:
    """Finds violations.

    Attributes:
      limits: what is allowed.
    """

    limits: Limits = field(default_factory=Limits)
    _behind_since: float | None = None

    def reset(self) -> None:
        self._behind_since = None

    def of_reading(self, now: float, reading: JointReading, commanded: np.ndarray | None) -> str | None:
        """What is wrong with a joint reading, or None.

        Args:
          now: s.
          reading: the newest.
          commanded: joint positions of the last command [23], rad; None if there is none.
        """
        limits, age = self.limits, now - reading.time
        if age > limits.reading_age:
            return f"joint reading is {age:.2f} s old"
        if not (np.isfinite(reading.pos).all() and np.isfinite(reading.vel).all()):
            return "joint reading is not a number"
        if wrong := _beyond(reading.pos, limits.joint_margin):
            return f"joint limit: {wrong}"
        too_fast = np.abs(reading.vel) - limits.velocity
        if (too_fast > 0).any():
            i = int(too_fast.argmax())
            return f"joint speed: {JOINT_NAMES[i]} at {reading.vel[i]:.1f} rad/s"
        return self._of_tracking(now, reading, commanded)

    def _of_tracking(self, now: float, reading: JointReading, commanded: np.ndarray | None) -> str | None:
        limits = self.limits
        behind = np.zeros(NUM_ARM) if commanded is None else np.abs(commanded - reading.pos)[:NUM_ARM]
        if behind.max() <= limits.tracking:
            self._behind_since = None
            return None
        if self._behind_since is None:
            self._behind_since = now
        if now - self._behind_since <= limits.tracking_s:
            return None
        i = int(behind.argmax())
        return f"stuck: {JOINT_NAMES[i]} is {behind[i]:.2f} rad behind"

    def of_hand(self, hand_points: np.ndarray) -> str | None:
        """Which of the measured hand points [5, 3], metres, is out of the workspace, or None."""
        lower, upper = np.array(self.limits.workspace).T
        outside = ((hand_points < lower) | (hand_points > upper)).any(axis=1)
        if outside.any():
            i = int(outside.argmax())
            x, y, z = hand_points[i]
            return f"workspace: {HAND_POINTS[i]} at ({x:.2f}, {y:.2f}, {z:.2f})"
        return None

    def of_image(self, now: float, image: Image | None, engaged_since: float) -> str | None:
        """What is wrong with the newest image while the policy is engaged, or None."""
        age = now - (engaged_since if image is None else max(image.time, engaged_since))
        if age > self.limits.image_age:
            return "no image" if image is None else f"image is {now - image.time:.2f} s old"
        if isinstance(image, DepthImage) and not np.isfinite(image.depth).all():
            return "image is not a number"
        return None

    def of_targets(self, joint_targets: np.ndarray) -> str | None:
        """What is wrong with joint positions to be commanded [23], rad, or None."""
        if not np.isfinite(joint_targets).all():
            return "command is not a number"
        wrong = _beyond(joint_targets, self.limits.joint_margin)
        return f"commanded joint limit: {wrong}" if wrong else None


def _beyond(pos: np.ndarray, margin: float) -> str | None:
    beyond = np.maximum(LOWER - pos, pos - UPPER)
    i = int(beyond.argmax())
    return f"{JOINT_NAMES[i]} at {pos[i]:.2f} rad" if beyond[i] > margin else None
