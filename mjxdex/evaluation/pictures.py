"""The video and the strip of one env of an evaluation, whatever its policy sees."""

from pathlib import Path

import jax
import numpy as np

from mjxdex.config import Config
from mjxdex.evaluation.evaluate import Trajectories
from mjxdex.evaluation.record import record
from mjxdex.evaluation.stereo_record import StereoKeys, record_stereo
from mjxdex.evaluation.stereo_video import stereo_frames
from mjxdex.evaluation.video import encode, evenly, stack_strip, write_strip, write_video
from mjxdex.task.state import OBJECT_QPOS

EVERY = 2
"""Control steps between two frames: 30 a second."""
MOMENTS = 6
"""Frames of a strip."""


def write_pictures(config: Config, seen: Trajectories, env: int, object_id: int, path: Path) -> list[Path]:
    """Writes `path` with the suffixes .mp4 and .png.

    Depth policies: the overview beside the depth image. Students of stereo images: beside both eyes, with the
    object's true position as a green ring and the believed one as a magenta cross.

    Args:
      config: Of the evaluation.
      seen: What its envs did.
      env: Which of them is shown.
      object_id: The object that it held.

    Returns: The files.
    """
    video, strip = path.with_name(f"{path.name}.mp4"), path.with_name(f"{path.name}.png")
    qpos = seen.qpos[::EVERY, env]
    views = jax.tree.map(lambda leaf: leaf[::EVERY, env], seen.views)
    if isinstance(seen.views, StereoKeys):
        assert seen.object_pos is not None
        # What is believed of a frame was said before the step that follows it.
        believed = np.concatenate([seen.object_pos[1:, env], seen.object_pos[-1:, env]])[::EVERY]
        record_of = record_stereo(config, qpos, views, object_id)
        frames = stereo_frames(record_of, qpos[:, OBJECT_QPOS][:, :3], believed)
        encode(video, frames)
        stack_strip(strip, frames[evenly(len(frames), MOMENTS)], record_of.overview.shape[2])
    else:
        camera = config.camera
        rgb, depth = record(config, qpos, views, object_id)
        for write, file in ((write_video, video), (write_strip, strip)):
            write(file, rgb, depth, depth_min=camera.depth_min, depth_max=camera.depth_max)
    return [video, strip]
