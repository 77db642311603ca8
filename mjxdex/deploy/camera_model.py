"""The pinholes that the policy's images are made for: pixels to rays, and depth to points."""

from typing import NamedTuple

import numpy as np

from mjxdex import scene
from mjxdex.config import CameraConfig
from mjxdex.config_rgb import RgbConfig
from mjxdex.robot.rotations import euler_zyx_to_matrix


class Pinhole(NamedTuple):
    """A camera with square pixels and the principal point in the middle.

    Attributes:
      pos: [3], metres, robot base frame.
      rot: [3, 3], columns are the camera's axes there: x right, y down, z forward.
      focal: focal length, pixels.
      width, height: pixels.
    """

    pos: np.ndarray
    rot: np.ndarray
    focal: float
    width: int
    height: int

    def slopes(self) -> np.ndarray:
        """Points in front of the camera at depth 1 m through the middles of all pixels, [H, W, 3]."""
        u = (np.arange(self.width) + 0.5 - self.width / 2) / self.focal
        v = (np.arange(self.height) + 0.5 - self.height / 2) / self.focal
        return np.stack(np.broadcast_arrays(u[None], v[:, None], 1.0), axis=-1)


def depth_camera(
    config: CameraConfig, euler_error: np.ndarray | None = None, pos_error: np.ndarray | None = None
) -> Pinhole:
    """The published left camera.

    Args:
      config: resolution.
      euler_error: added to its Euler angles about the fixed axes x, y and z, [3], rad.
      pos_error: added to its position, [3], metres.
    """
    return _left(config.width, config.height, euler_error, pos_error)


def stereo_pair(
    config: RgbConfig, euler_error: np.ndarray | None = None, pos_error: np.ndarray | None = None
) -> tuple[Pinhole, Pinhole]:
    """The published left and right camera, both off by the left one's errors as for `depth_camera`."""
    left = _left(config.width, config.height, euler_error, pos_error)
    rot = left.rot @ euler_zyx_to_matrix(np.array(scene.PAIR_EULER_ZYX))
    return left, left._replace(pos=left.pos + left.rot @ scene.PAIR_OFFSET, rot=rot)


def _left(width: int, height: int, euler_error: np.ndarray | None, pos_error: np.ndarray | None) -> Pinhole:
    euler, pos = scene.depth_camera_euler(), np.array(scene.DEPTH_CAMERA_POS)
    if euler_error is not None:
        euler = euler + euler_error
    if pos_error is not None:
        pos = pos + pos_error
    return Pinhole(pos, euler_zyx_to_matrix(euler[::-1]), scene.FOCAL_LENGTH * width, width, height)
