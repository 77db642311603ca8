"""Videos and strips of what the overview camera and the depth camera saw."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np

from mjxdex.evaluation.frames import rgb_and_depth


def write_video(
    path: str | Path,
    rgb: np.ndarray,
    depth: np.ndarray,
    *,
    depth_min: float,
    depth_max: float,
    fps: float = 30.0,
) -> None:
    """Writes an H.264 mp4: the overview left, the depth image (turbo colours, turned upright) right.

    Args:
      path: the file; its folder is made if need be.
      rgb: uint8 [T, H, W, 3].
      depth: metres, [T, h, w].
      depth_min, depth_max: range of the depth colours, metres.
      fps: pictures per second.
    """
    write_frames(path, rgb_and_depth(rgb, depth, depth_min, depth_max), fps)


def write_frames(path: str | Path, frames: np.ndarray, fps: float = 30.0) -> None:
    """Writes frames, uint8 [T, H, W, 3] with even H and W, as an H.264 mp4; its folder is made if need be."""
    with open_video(path, fps) as video:
        for frame in frames:
            video.append_data(frame)


@contextmanager
def open_video(path: str | Path, fps: float) -> Iterator[Any]:
    """An H.264 mp4 to which `append_data` adds frames, uint8 [H, W, 3] with even H and W.

    Args:
      path: the file; its folder is made if need be.
      fps: pictures per second.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # JAX warns of any fork; the encoder's is followed by exec at once.
        warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
        with imageio.get_writer(
            path, format="FFMPEG", fps=fps, codec="libx264", pixelformat="yuv420p", quality=7,  # pyright: ignore
            macro_block_size=2,
        ) as writer:  # fmt: skip
            yield writer


def write_strip(
    path: str | Path,
    rgb: np.ndarray,
    depth: np.ndarray,
    *,
    depth_min: float,
    depth_max: float,
    moments: int = 6,
) -> None:
    """Writes a PNG of evenly spaced moments from the first to the last, the overview above its depth image.

    Args: as in `write_video`.
      moments: how many; no more than there are frames are shown.
    """
    chosen = evenly(len(rgb), moments)
    frames = rgb_and_depth(rgb[chosen], depth[chosen], depth_min, depth_max)
    stack_strip(path, frames, rgb.shape[2])


def evenly(frames: int, moments: int) -> np.ndarray:
    """Indices of evenly spaced moments from the first frame to the last, no more than there are frames."""
    return np.unique(np.linspace(0, frames - 1, moments).round().astype(int))


def stack_strip(path: str | Path, frames: np.ndarray, width: int) -> None:
    """Writes a PNG with a column per frame [T, H, W, 3]: its left `width` pixels above the rest, centred."""
    column = max(width, frames.shape[2] - width)

    def centred(part: np.ndarray) -> np.ndarray:
        margin = column - part.shape[2]
        sides = (margin // 2, margin - margin // 2)
        return np.pad(part, ((0, 0), (0, 0), sides, (0, 0)), constant_values=255)

    columns = np.concatenate([centred(frames[:, :, :width]), centred(frames[:, :, width:])], axis=1)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    imageio.imwrite(path, np.concatenate(list(columns), axis=1))
