"""The video and the strip of one env of an evaluation, whatever its policy sees."""

from pathlib import Path

import jax
import numpy as np

from mjxdex.config import Config
from mjxdex.evaluation import episode_videos
from mjxdex.evaluation.evaluate import Trajectories
from mjxdex.evaluation.stereo_record import StereoKeys, record_stereo
from mjxdex.evaluation.stereo_video import stereo_frames
from mjxdex.evaluation.video import evenly, stack_strip, write_frames
from mjxdex.task.state import OBJECT_QPOS

EVERY = 2
"""Control steps between two frames: 30 a second."""
MOMENTS = 6
"""Frames of a strip."""


def one_env(config: Config, seen: Trajectories, num_objects: int, path: Path) -> list[Path]:
    """Writes PATH.mp4 and PATH.png of the env whose object was longest in the goal region.

    Depth policies: the overview beside the depth image. Students of stereo images: beside both eyes, with the
    object's true position as a green ring and the believed one as a magenta cross.

    Args:
      config: Of the evaluation.
      seen: What its envs did.
      num_objects: Objects of the set.
      path: Of the files, without suffix.

    Returns: The files.
    """
    if not isinstance(seen.views, StereoKeys):
        return episode_videos.one_env(config, seen, num_objects, path)
    assert seen.object_pos is not None
    env = seen.best
    qpos = seen.qpos[::EVERY, env]
    views = jax.tree.map(lambda leaf: leaf[::EVERY, env], seen.views)
    # What is believed of a frame was said before the step that follows it.
    believed = np.concatenate([seen.object_pos[1:, env], seen.object_pos[-1:, env]])[::EVERY]
    record = record_stereo(config, qpos, views, env % num_objects)
    frames = stereo_frames(record, qpos[:, OBJECT_QPOS][:, :3], believed)
    files = [path.with_suffix(".mp4"), path.with_suffix(".png")]
    write_frames(files[0], frames)
    stack_strip(files[1], frames[evenly(len(frames), MOMENTS)], record.overview.shape[2])
    return files
