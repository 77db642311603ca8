"""Frames of the overview beside both eyes of a student, with true and believed position of the object."""

import numpy as np

from mjxdex.evaluation.frames import beside, upright
from mjxdex.evaluation.stereo_record import StereoRecord
from mjxdex.render.cameras import Cameras
from mjxdex.render.stereo import RIGHT

TRUE_COLOUR, BELIEVED_COLOUR = (40, 230, 60), (255, 40, 220)
EYE_HEIGHT = 360
"""Least rows of an eye's picture before it is turned: marks are drawn on enlarged images."""
_MARK = 9
"""Half the size of a mark, pixels."""


def project(points: np.ndarray, cameras: Cameras, width: int, height: int) -> np.ndarray:
    """Pixels (column, row) [T, 2, 2] of points [T, 3] (world frame, metres) in both eyes' upright images.

    NaN behind a camera.
    """
    offset = points[:, None] - cameras.pos
    x, y, z = np.moveaxis(np.einsum("...ij,...i->...j", cameras.rot, offset), -1, 0)
    ahead = np.where(z < 0, -z, np.nan)
    focal = np.asarray(cameras.focal) * width
    pixels = np.stack([width / 2 + focal * x / ahead, height / 2 - focal * y / ahead], axis=-1)
    pixels[:, RIGHT] = (width, height) - pixels[:, RIGHT]
    return pixels


def stereo_frames(record: StereoRecord, true: np.ndarray, believed: np.ndarray) -> np.ndarray:
    """Overview, left eye and right eye side by side, uint8 [T, H, W, 3], the eyes turned as a person sees.

    Args:
      record: Of T moments.
      true, believed: Positions of the object [T, 3], metres, world frame; drawn as green ring and magenta
        cross.
    """
    height, width = record.eyes.shape[2:4]
    factor = -(-EYE_HEIGHT // height)
    eyes = np.asarray(record.eyes).repeat(factor, axis=2).repeat(factor, axis=3)
    for points, mark in ((true, _ring), (believed, _cross)):
        pixels = factor * project(points, record.cameras, width, height)
        for t, eye in np.ndindex(pixels.shape[:2]):
            if np.isfinite(pixels[t, eye]).all():
                mark(eyes[t, eye], *pixels[t, eye])
    pair = np.concatenate([upright(eyes[:, 0]), upright(eyes[:, 1])], axis=2)
    return beside(np.asarray(record.overview), pair)


def _ring(image: np.ndarray, column: float, row: float) -> None:
    distance = np.hypot(*_offsets(image, column, row))
    image[np.abs(distance - _MARK) < 1.5] = TRUE_COLOUR


def _cross(image: np.ndarray, column: float, row: float) -> None:
    down, right = np.abs(_offsets(image, column, row))
    image[(np.maximum(down, right) < _MARK) & (np.minimum(down, right) < 1.5)] = BELIEVED_COLOUR


def _offsets(image: np.ndarray, column: float, row: float) -> np.ndarray:
    """How far each pixel lies below and to the right of a point, [2, H, W]."""
    rows, columns = np.indices(image.shape[:2]) + 0.5
    return np.stack([rows - row, columns - column])
