"""Where the object is, judged from a depth image: for policies without an object head.

All pixels become points in the robot's frame. What is left after taking away the table, everything outside
the region in which the task keeps objects, and the robot at its measured joints is taken for the object; the
estimate is the median of each coordinate. It is a point of the visible surface, so it lies towards the camera
from the middle of the object by up to half its width. What decides is its height, which is good to a few
centimetres. Clutter in that region would be taken for the object.
"""

import numpy as np

from mjxdex.deploy.camera_model import Pinhole
from mjxdex.objects.distance import signed_distance
from mjxdex.robot import kinematics, tables
from mjxdex.robot.geometry import PRIMITIVES, Primitive
from mjxdex.scene import TABLE_TOP
from mjxdex.task.places import REACH

MIN_POINTS = 4
"""Fewer points than this are no object. The smallest one shows about 8 in the far corners of its region."""
_COLUMNS = 80
"""Finer images are thinned to 80 to 159 columns, for speed."""
ROBOT_MARGIN = 0.012
"""Points nearer to the robot than this are the robot, metres. Tuned: servo errors and the sensor's steps."""
TABLE_MARGIN = 0.012
"""Points lower than this above the table are the table, metres; the flattest object is 25 mm high."""
HIGHEST = 1.1
"""Points above this are no object, metres."""
_MARGIN = 0.05
"""By how much objects may stick out of the region that their centres are kept in, metres."""


class ObjectEstimate:
    """Finds the object in depth images.

    Args:
      camera: as calibrated.
    """

    def __init__(self, camera: Pinhole) -> None:
        self._stride = max(1, camera.width // _COLUMNS)
        self._slopes = camera.slopes()[:: self._stride, :: self._stride] @ camera.rot.T
        self._camera_pos = camera.pos
        links, self._kinds, sizes, pos, rot, bounds = zip(*_solids(), strict=True)
        self._links, self._sizes, self._bounds = np.array(links), np.array(sizes), np.array(bounds)
        self._pos, self._rot = np.array(pos), np.array(rot)

    def find(self, depth: np.ndarray, joint_pos: np.ndarray) -> np.ndarray | None:
        """Position of the object [3], metres, or None if it is not seen.

        Args:
          depth: planar, [H, W], metres, 0 where nothing was measured.
          joint_pos: measured when the image was exposed, [23], rad.
        """
        depth = depth[:: self._stride, :: self._stride]
        seen = depth > 0
        points = self._camera_pos + self._slopes[seen] * depth[seen][:, None]
        lower = np.array([REACH[0][0] - _MARGIN, REACH[1][0] - _MARGIN, TABLE_TOP + TABLE_MARGIN])
        upper = np.array([REACH[0][1] + _MARGIN, REACH[1][1] + _MARGIN, HIGHEST])
        points = points[((points > lower) & (points < upper)).all(axis=1)]
        points = points[~self._is_robot(points, joint_pos)]
        return np.median(points, axis=0) if len(points) >= MIN_POINTS else None

    def _is_robot(self, points: np.ndarray, joint_pos: np.ndarray) -> np.ndarray:
        """bool [P]: which points are on the robot or inside it."""
        frames = kinematics.frames(joint_pos)
        rotation, origin = frames.rotation[self._links], frames.origin[self._links]
        centres = origin + (rotation @ self._pos[..., None])[..., 0]
        squared = (points**2).sum(1)[:, None] - 2 * points @ centres.T + (centres**2).sum(1)
        near = squared < (self._bounds + ROBOT_MARGIN) ** 2
        found = np.zeros(len(points), bool)
        for i in np.flatnonzero(near.any(axis=0)):
            rows = np.flatnonzero(near[:, i] & ~found)
            local = (points[rows] - centres[i]) @ (rotation[i] @ self._rot[i])
            found[rows] = signed_distance(self._kinds[i], self._sizes[i], local) < ROBOT_MARGIN
        return found


def _solids() -> list[tuple[int, str, np.ndarray, np.ndarray, np.ndarray, float]]:
    """Every primitive of the moving links: link, kind, sizes as MuJoCo has them, pose in the link, bounding
    radius; metres."""
    links = [joint.child for joint in tables.JOINTS]
    found = []
    for name, primitives in PRIMITIVES.items():
        carrier, pos, rot = tables.fixed_chain(name)
        if carrier not in links:
            continue
        for primitive in primitives:
            kind, size, centre, axes, bound = _as_mujoco(primitive)
            found.append((links.index(carrier), kind, size, pos + rot @ centre, rot @ axes, bound))
    return found


def _as_mujoco(primitive: Primitive) -> tuple[str, np.ndarray, np.ndarray, np.ndarray, float]:
    a, b, radius = np.array(primitive.a), np.array(primitive.b), primitive.radius
    if primitive.kind == "box":
        return "box", b, a, np.eye(3), float(np.linalg.norm(b))
    if primitive.kind == "sphere":
        return "capsule", np.array([radius, 0.0, 0.0]), a, np.eye(3), radius
    half = float(np.linalg.norm(b - a)) / 2
    z = (b - a) / (2 * half)
    x = np.cross(z, np.eye(3)[np.abs(z).argmin()])
    x /= np.linalg.norm(x)
    size = np.array([radius, half, 0.0])
    return primitive.kind, size, (a + b) / 2, np.stack([x, np.cross(z, x), z], axis=1), half + radius
