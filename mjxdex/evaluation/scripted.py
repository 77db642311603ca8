"""Grasps by hand-written actions: proof that hand, friction and fabric as built can lift the objects.

A script is a fixed sequence of the policy's 11 actions for an episode at ADR level 0: above the object, down,
close, lift to the goal, hold. It is open loop: it knows where the object is dropped and never looks again.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from mjxdex.config import UserError
from mjxdex.fabric.action import target_range

GRASPS_FILE = Path(__file__).with_name("grasps.yaml")
"""Grasps of the 12 primitives, found by `grasp_search`."""
APPROACH, DESCEND, CLOSE, LIFT, HOLD = 75, 60, 60, 90, 165
"""Control steps of each phase, 7.5 s together."""
CLEARANCE = 0.12
"""The hand comes down from this far above the grasp, metres."""
RAMP_SHARE = 0.75
"""Share of a phase in which the targets move; in the rest the robot catches up."""

DIGITS = (3, 3, 0, 2, 2)
"""Decimals kept of each of a grasp's attributes."""


class Grasp(NamedTuple):
    """Targets of the fabric, in its own units.

    Attributes:
      palm_pos: of the palm while the hand closes, metres, world frame.
      lifted_pos: of the palm while it holds the object at the goal, metres, world frame.
      palm_euler_deg: Euler angles of the palm about z, y, x in all phases, degrees.
      open, closed: hand PCA coordinates.
    """

    palm_pos: tuple[float, ...]
    lifted_pos: tuple[float, ...]
    palm_euler_deg: tuple[float, ...]
    open: tuple[float, ...]
    closed: tuple[float, ...]


def actions(name: str, grasps_file: Path = GRASPS_FILE) -> np.ndarray:
    """The script that grasps an object, float32 [T, 11] in [-1, 1].

    Raises:
      UserError: if the file has no grasp for that object.
    """
    grasps = load(grasps_file)
    if name not in grasps:
        raise UserError(f"there is no grasp for {name!r} in {grasps_file}; it has {', '.join(grasps)}")
    return script(grasps[name])


def script(grasp: Grasp, max_pose_angle_deg: float = 45.0) -> np.ndarray:
    """The actions of a grasp, float32 [T, 11], for a task with that range of palm angles."""

    def target(pos, pca):
        return np.concatenate([pos, np.deg2rad(grasp.palm_euler_deg), pca])

    ready = target(np.add(grasp.palm_pos, (0, 0, CLEARANCE)), grasp.open)
    around = target(grasp.palm_pos, grasp.open)
    closed = target(grasp.palm_pos, grasp.closed)
    lifted = target(grasp.lifted_pos, grasp.closed)
    moves = ((ready, around, DESCEND), (around, closed, CLOSE), (closed, lifted, LIFT))
    rows = [
        np.tile(ready, (APPROACH, 1)),
        *(start + _ease(steps)[:, None] * (end - start) for start, end, steps in moves),
        np.tile(lifted, (HOLD, 1)),
    ]
    lower, upper = target_range(max_pose_angle_deg)
    return np.clip(2 * (np.concatenate(rows) - lower) / (upper - lower) - 1, -1, 1).astype(np.float32)


def _ease(steps: int) -> np.ndarray:
    """Share of the way covered after each of the steps, [steps], starting and ending at rest."""
    t = np.minimum(1, np.arange(1, steps + 1) / (RAMP_SHARE * steps))
    return t * t * (3 - 2 * t)


def load(path: Path) -> dict[str, Grasp]:
    """Reads a file of grasps, by object name.

    Raises:
      UserError: if there is no such file.
    """
    try:
        table = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise UserError(f"there is no file of grasps {path}; scripts/search_grasps.py writes one") from None
    return {name: Grasp(**{key: tuple(value) for key, value in row.items()}) for name, row in table.items()}


def save(path: Path, grasps: dict[str, Grasp]) -> None:
    """Writes a file of grasps, sorted by name."""
    lines = [
        "# Scripted grasps: palm positions in m (world), Euler angles about z, y, x, and hand PCA targets."
    ]
    for name, grasp in sorted(grasps.items()):
        lines.append(f"{name}:")
        for key, values in rounded(grasp)._asdict().items():
            lines.append(f"  {key}: [{', '.join(str(value) for value in values)}]")
    path.write_text("\n".join(lines) + "\n")


def rounded(grasp: Grasp) -> Grasp:
    """The grasp as a file keeps it."""
    return Grasp(*(tuple(round(float(x), n) for x in row) for row, n in zip(grasp, DIGITS, strict=True)))
