"""Videos of evaluated episodes: one env large, or many in a grid."""

from pathlib import Path

import jax
import numpy as np

from mjxdex.config import Config
from mjxdex.evaluation.evaluate import Trajectories
from mjxdex.evaluation.mosaic import inset, mosaic, write_gif
from mjxdex.evaluation.record import record
from mjxdex.evaluation.video import write_frames, write_strip, write_video

CELL = (240, 180)
"""Width and height of one env in the grid, pixels."""
RATES = {"one": 2, "grid": 4, "gif": 8}
"""Control steps from frame to frame."""


def one_env(config: Config, seen: Trajectories, num_objects: int, path: Path) -> list[Path]:
    """Writes PATH.mp4 and PATH.png of the env whose object was longest in the goal region."""
    rgb, depth = _pictures(config, seen, [seen.best], num_objects, RATES["one"], (480, 360))
    files = [path.with_suffix(".mp4"), path.with_suffix(".png")]
    for write, file in zip((write_video, write_strip), files, strict=True):
        write(file, rgb[0], depth[0], depth_min=config.camera.depth_min, depth_max=config.camera.depth_max)
    return files


def grid(
    config: Config, seen: Trajectories, num_objects: int, path: Path, *, envs: int, gif: bool
) -> list[Path]:
    """Writes PATH-grid.mp4 of evenly chosen envs, each with its depth image, whatever they did.

    Args:
      config: Of the evaluation.
      seen: What the envs did.
      num_objects: Objects of the set.
      path: Of the files, without suffix.
      envs: How many; no more than there are.
      gif: Whether to write PATH-grid.gif of at most 5 MB too.
    """
    total = seen.qpos.shape[1]
    chosen = np.unique(np.linspace(0, total - 1, envs).round().astype(int)).tolist()
    rgb, depth = _pictures(config, seen, chosen, num_objects, RATES["grid"], CELL)
    camera = config.camera
    cells = np.stack(
        [inset(*pair, camera.depth_min, camera.depth_max) for pair in zip(rgb, depth, strict=True)]
    )
    frames = mosaic(cells)
    files = [path.with_name(f"{path.name}-grid.mp4")]
    write_frames(files[0], frames, 60 / RATES["grid"])
    if gif:
        files.append(files[0].with_suffix(".gif"))
        write_gif(files[1], frames[:: RATES["gif"] // RATES["grid"]], 60 / RATES["gif"])
    return files


def _pictures(
    config: Config, seen: Trajectories, envs: list[int], num_objects: int, every: int, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Overviews uint8 [N, T, H, W, 3] and depth images float32 [N, T, h, w] of some envs."""

    def moments(leaf: np.ndarray) -> np.ndarray:
        chosen = np.moveaxis(leaf[::every, envs], 1, 0)
        return chosen.reshape(-1, *chosen.shape[2:])

    steps = len(seen.qpos[::every])
    ids = np.repeat(np.array(envs, np.int32) % num_objects, steps)
    poses = moments(seen.qpos), moments(seen.seen_qpos)
    rgb, depth = record(config, *poses, jax.tree.map(moments, seen.views), ids, width=size[0], height=size[1])
    return tuple(x.reshape(len(envs), steps, *x.shape[1:]) for x in (rgb, depth))  # pyright: ignore
