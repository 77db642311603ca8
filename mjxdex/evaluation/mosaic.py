"""Many envs in one picture, each with its depth image in a corner."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from mjxdex.evaluation.frames import colorize, upright

INSET = 0.4
"""Height of the depth image, as a share of the picture's."""
_COLOURS = 64
_FRAME = np.array([255, 255, 255], np.uint8)


def inset(rgb: np.ndarray, depth: np.ndarray, depth_min: float, depth_max: float) -> np.ndarray:
    """Puts each depth image, in turbo colours and upright, into the upper right corner of its picture.

    Args:
      rgb: uint8 [T, H, W, 3].
      depth: metres, [T, h, w], as the portrait depth camera delivers them.
      depth_min, depth_max: range of the colours, metres.

    Returns: uint8 [T, H, W, 3], a copy.
    """
    small = upright(colorize(depth, depth_min, depth_max))
    height = round(INSET * rgb.shape[1])
    width = round(height * small.shape[2] / small.shape[1])
    rows = np.arange(height) * small.shape[1] // height
    columns = np.arange(width) * small.shape[2] // width
    joined = rgb.copy()
    joined[:, : height + 1, -width - 1 :] = _FRAME
    joined[:, :height, -width:] = small[:, rows][:, :, columns]
    return joined


def mosaic(pictures: np.ndarray) -> np.ndarray:
    """Pictures of N envs in a grid that is as square as can be, filled up with black.

    Args:
      pictures: uint8 [N, T, H, W, 3].

    Returns: uint8 [T, rows H, columns W, 3], the envs row by row.
    """
    num, steps, height, width, _ = pictures.shape
    columns = int(np.ceil(np.sqrt(num)))
    rows = -(-num // columns)
    grid = np.zeros((rows * columns, steps, height, width, 3), np.uint8)
    grid[:num] = pictures
    grid = grid.reshape(rows, columns, steps, height, width, 3).transpose(2, 0, 3, 1, 4, 5)
    return grid.reshape(steps, rows * height, columns * width, 3)


def write_gif(path: Path, frames: np.ndarray, fps: float, most_bytes: int = 5_000_000) -> float:
    """Writes frames, uint8 [T, H, W, 3], as a GIF that loops, made smaller until it has at most `most_bytes`.

    Returns: The factor by which it is smaller.
    """
    scale = 1.0
    while len(data := _gif(frames, fps, scale)) > most_bytes:
        scale *= min(0.9, (most_bytes / len(data)) ** 0.5)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return scale


def _gif(frames: np.ndarray, fps: float, scale: float) -> bytes:
    height, width = (round(scale * size) for size in frames.shape[1:3])
    pictures = [Image.fromarray(frame).resize((width, height), Image.Resampling.BOX) for frame in frames]
    # One palette for all, without dithering: what does not move stays the same and takes no space.
    palette = pictures[len(pictures) // 2].quantize(_COLOURS)
    pictures = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    file = io.BytesIO()
    first, *rest = pictures
    first.save(file, "GIF", save_all=True, append_images=rest, duration=round(1000 / fps), loop=0)
    return file.getvalue()
