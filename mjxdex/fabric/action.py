"""From the policy's 11 actions to the targets of the fabric."""

from __future__ import annotations

import numpy as np

from mjxdex.arrays import Array, namespace
from mjxdex.robot import hand_pca

ACTION_NAMES = (
    *("palm x", "palm y", "palm z", "palm about z", "palm about y", "palm about x"),
    *(f"hand {component}" for component in range(1, 6)),
)
NUM_ACTIONS = len(ACTION_NAMES)
PALM_POS_LOWER = np.array([-1.2, -0.7, 0.0])
"""Smallest commanded palm position, m [3]."""
PALM_POS_UPPER = np.array([0.0, 0.7, 1.0])
"""Largest commanded palm position, m [3]."""
PALM_EULER_CENTRE = np.deg2rad([-135.0, 0.0, 180.0])
"""Middle of the commanded palm Euler angles about z, y, x, rad [3]: palm down, fingers along (-1, -1, 0)."""


def targets(action: Array, max_pose_angle_deg: float) -> tuple[Array, Array, Array]:
    """Absolute targets of the palm and of the hand synergies.

    Args:
      action: [11]; palm x, y, z, Euler angles about z, y, x, hand PCA 1 to 5. Clipped to [-1, 1], which is
        mapped linearly onto the range of each target.
      max_pose_angle_deg: half range of each Euler angle, degrees.

    Returns:
      Palm position [3] (m, world), palm Euler angles ZYX [3] (rad), hand PCA target [5].
      Source: published DextrAH task.
    """
    lower, upper = target_range(max_pose_angle_deg)
    xp = namespace(action)
    target = xp.asarray(lower) + 0.5 * (xp.clip(action, -1.0, 1.0) + 1.0) * (upper - lower)
    return target[:3], target[3:6], target[6:]


def target_range(max_pose_angle_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest targets, each [11]: palm position (m), Euler angles ZYX (rad), hand PCA."""
    half_angle = np.full(3, np.deg2rad(max_pose_angle_deg))
    lower = np.concatenate((PALM_POS_LOWER, PALM_EULER_CENTRE - half_angle, hand_pca.LOWER))
    upper = np.concatenate((PALM_POS_UPPER, PALM_EULER_CENTRE + half_angle, hand_pca.UPPER))
    return lower, upper
