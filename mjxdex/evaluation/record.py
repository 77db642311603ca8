"""Pictures of episodes, rendered afterwards from their poses."""

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
    seen_qpos: np.ndarray,
    views: DepthView,
    object_ids: np.ndarray,
    *,
    width: int = 480,
    height: int = 360,
) -> tuple[np.ndarray, np.ndarray]:
    """Overview pictures and depth images of M moments, of one env or of several.

    Args:
      config: Object set and depth camera.
      qpos: float32 [M, 30].
      seen_qpos: float32 [M, 30], the poses that the depth images show.
      views: leaves [M, ...].
      object_ids: int32 [M], which object of the set the env held.
      width, height: Pixels of the overview.

    Returns: uint8 [M, height, width, 3], and depth as the policy saw it, float32 [M, h, w], metres.
    """
    object_set = objects.load(config.env.objects)
    model = scene.build(config, object_set)
    rgb_renderer = WarpRgbRenderer(model, object_set, CHUNK, width, height)
    camera = DepthCamera(config, model, object_set, CHUNK)

    @jax.jit
    def render(
        qpos: jax.Array, seen_qpos: jax.Array, views: DepthView, ids: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        depth = camera.image(seen_qpos, ids, views) * jnp.float32(DEPTH_UNIT)
        return rgb_renderer.render(qpos, ids), depth

    missing = -len(qpos) % CHUNK
    padded = jax.tree.map(
        lambda leaf: np.concatenate([leaf, np.repeat(leaf[-1:], missing, axis=0)]),
        (qpos, seen_qpos, views, object_ids),
    )
    parts = [
        render(*jax.tree.map(lambda leaf: jnp.asarray(leaf[i : i + CHUNK]), padded))  # noqa: B023
        for i in range(0, len(qpos) + missing, CHUNK)
    ]
    rgb, depth = (np.concatenate([np.asarray(part[k]) for part in parts])[: len(qpos)] for k in range(2))
    return rgb, depth
