"""The policy's vector observation, put together from what a robot knows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mjxdex.config import UserError
from mjxdex.fabric import FabricState
from mjxdex.robot import kinematics

KNOWN_TERMS = (
    "joint_pos", "joint_vel", "hand_points", "hand_point_vel", "hand_twist", "goal", "last_action",
    "fabric_pos", "fabric_vel", "fabric_acc",
)  # fmt: skip


class Known(NamedTuple):
    """What the policy's observation is made of.

    Attributes:
      joint_pos, joint_vel: measured, [23], rad and rad/s.
      hand_points: of joint_pos, [5, 3], metres.
      fabric: the fabric's own state.
      goal: where the object is to be held, [3], metres, robot base frame.
      last_action: the policy's last action, clipped to ±1, [11]; zeros at the start.
    """

    joint_pos: np.ndarray
    joint_vel: np.ndarray
    hand_points: np.ndarray
    fabric: FabricState
    goal: np.ndarray
    last_action: np.ndarray


def check_terms(terms: Sequence[str]) -> None:
    """Raises UserError for terms that a robot does not know."""
    unknown = [term for term in terms if term not in KNOWN_TERMS]
    if unknown:
        raise UserError(
            f"this policy is told {', '.join(unknown)}, which a robot does not know; deploy one that has a "
            f"camera and is told no more than {', '.join(KNOWN_TERMS)}"
        )


def assemble(terms: Sequence[str], known: Known, velocity_factor: float) -> np.ndarray:
    """The named terms in their order, float32 [1, sum of sizes].

    The same numbers as `task.observations.group` gives for the same state.

    Args:
      terms: of KNOWN_TERMS.
      known: measured and computed quantities.
      velocity_factor: factor on velocities and accelerations, squared on those of hand points; see there.
    """
    twists = np.zeros((5, 6))
    if "hand_twist" in terms or (velocity_factor != 0 and "hand_point_vel" in terms):
        twists = kinematics.hand_twists(known.joint_pos, known.joint_vel)[1]
    values = {
        "joint_pos": known.joint_pos,
        "joint_vel": velocity_factor * known.joint_vel,
        "hand_points": known.hand_points.ravel(),
        "hand_point_vel": velocity_factor**2 * twists[:, :3].ravel(),
        "hand_twist": twists.ravel(),
        "goal": known.goal,
        "last_action": known.last_action,
        "fabric_pos": known.fabric.pos,
        "fabric_vel": velocity_factor * known.fabric.vel,
        "fabric_acc": velocity_factor * known.fabric.acc,
    }
    return np.concatenate([values[term] for term in terms])[None].astype(np.float32)
