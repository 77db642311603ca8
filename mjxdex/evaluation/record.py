"""Pictures of an episode, rendered afterwards from its poses."""

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex import objects, scene
from mjxdex.config import Config
from mjxdex.render import DepthCamera, DepthView, WarpRgbRenderer
from mjxdex.types import DEPTH_UNIT

CHUNK = 10
"""Moments rendered at once, as if they were envs."""


def record(
    config: Config,
    qpos: np.ndarray,
    views: DepthView,
    object_id: int,
    *,
    width: int = 480,
    height: int = 360,
) -> tuple[np.ndarray, np.ndarray]:
    """Overview pictures and depth images of one env.

    Args:
      config: Object set and depth camera.
      qpos: float32 [T, 30].
      views: leaves [T, ...].
      object_id: Which object of the set the env held.
      width, height: Pixels of the overview.

    Returns: uint8 [T, height, width, 3], and depth as the policy saw it, float32 [T, h, w], metres.
    """
    object_set = objects.load(config.env.objects)
    model = scene.build(config, object_set)
    rgb_renderer = WarpRgbRenderer(model, object_set, CHUNK, width, height)
    camera = DepthCamera(config, model, object_set, CHUNK)

    @jax.jit
    def render(qpos: jax.Array, views: DepthView) -> tuple[jax.Array, jax.Array]:
        ids = jnp.full(CHUNK, object_id, jnp.int32)
        return rgb_renderer.render(qpos, ids), camera.image(qpos, ids, views) * jnp.float32(DEPTH_UNIT)

    missing = -len(qpos) % CHUNK
    padded = jax.tree.map(
        lambda leaf: np.concatenate([leaf, np.repeat(leaf[-1:], missing, axis=0)]), (qpos, views)
    )
    parts = [
        render(*jax.tree.map(lambda leaf: jnp.asarray(leaf[i : i + CHUNK]), padded))  # noqa: B023
        for i in range(0, len(qpos) + missing, CHUNK)
    ]
    rgb, depth = (np.concatenate([np.asarray(part[k]) for part in parts])[: len(qpos)] for k in range(2))
    return rgb, depth
