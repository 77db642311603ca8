"""Pictures of an episode, rendered afterwards from its poses."""

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex import objects, scene
from mjxdex.config import Config
from mjxdex.render import WarpDepthRenderer, WarpRgbRenderer, quantize
from mjxdex.types import DEPTH_UNIT

CHUNK = 10
"""Moments rendered at once, as if they were envs."""


def record(
    config: Config, qpos: np.ndarray, object_id: int, *, width: int = 480, height: int = 360
) -> tuple[np.ndarray, np.ndarray]:
    """Overview pictures and depth images of one env.

    Args:
      config: Object set and depth camera.
      qpos: float32 [T, 30].
      object_id: Which object of the set the env held.
      width, height: Pixels of the overview.

    Returns: uint8 [T, height, width, 3], and depth as the policy saw it, float32 [T, h, w], metres.
    """
    object_set = objects.load(config.env.objects)
    model = scene.build(config, object_set)
    camera = config.camera
    rgb_renderer = WarpRgbRenderer(model, object_set, CHUNK, width, height)
    depth_renderer = WarpDepthRenderer(model, object_set, camera, CHUNK)

    @jax.jit
    def render(chunk: jax.Array) -> tuple[jax.Array, jax.Array]:
        ids = jnp.full(CHUNK, object_id, jnp.int32)
        depth = quantize(depth_renderer.render(chunk, ids), camera.depth_min, camera.depth_max)
        return rgb_renderer.render(chunk, ids), depth * jnp.float32(DEPTH_UNIT)

    padded = np.concatenate([qpos, np.repeat(qpos[-1:], -len(qpos) % CHUNK, axis=0)])
    parts = [render(jnp.asarray(padded[i : i + CHUNK])) for i in range(0, len(padded), CHUNK)]
    rgb, depth = (np.concatenate([np.asarray(part[k]) for part in parts])[: len(qpos)] for k in range(2))
    return rgb, depth
