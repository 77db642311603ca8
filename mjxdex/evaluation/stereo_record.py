"""What a student's eyes saw of an episode, rendered afterwards from its poses and random keys."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex import objects, scene
from mjxdex.config import Config
from mjxdex.evaluation.record import CHUNK, in_chunks
from mjxdex.render import Cameras, StereoCamera, WarpRgbRenderer


class StereoKeys(NamedTuple):
    """What decides stereo images beside the poses: data of PRNG keys, uint32 [..., 2], of the episode's
    cameras and looks, and of the control step's images."""

    episode: jax.Array
    step: jax.Array


class StereoRecord(NamedTuple):
    """T moments of one env.

    Attributes:
      overview: uint8 [T, H, W, 3].
      eyes: uint8 [T, 2, h, w, 3], as the student saw them: left, and right turned upright.
      cameras: of both eyes, leaves [T, 2, ...].
    """

    overview: jax.Array | np.ndarray
    eyes: jax.Array | np.ndarray
    cameras: Cameras


def record_stereo(
    config: Config,
    qpos: np.ndarray,
    keys: StereoKeys,
    object_id: int,
    *,
    width: int = 480,
    height: int = 360,
) -> StereoRecord:
    """Overview pictures and stereo images of one env.

    Args:
      config: Object set and stereo cameras.
      qpos: float32 [T, 30].
      keys: leaves [T, 2].
      object_id: Which object of the set the env held.
      width, height: Pixels of the overview.
    """
    object_set = objects.load(config.env.objects)
    model = scene.build(config, object_set)
    overview = WarpRgbRenderer(model, object_set, CHUNK, width, height)
    camera = StereoCamera(config, model, object_set, CHUNK)

    @jax.jit
    def render(qpos: jax.Array, keys: StereoKeys) -> StereoRecord:
        ids = jnp.full(CHUNK, object_id, jnp.int32)
        view = jax.vmap(camera.draw)(jax.random.wrap_key_data(keys.episode))
        eyes = camera.images(qpos, ids, view, jax.random.wrap_key_data(keys.step))
        return StereoRecord(overview.render(qpos, ids), eyes, view.cameras)

    return in_chunks(render, qpos, keys)
