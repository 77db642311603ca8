"""Pictures of episodes, rendered afterwards from their poses."""

from collections.abc import Callable
from typing import Any

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

    return in_chunks(render, qpos, seen_qpos, views, object_ids)


def in_chunks(render: Callable[..., Any], *moments: Any) -> Any:
    """What `render` draws of all moments, on the host; it takes CHUNK of them at a time.

    Args:
      render: Of trees of arrays [CHUNK, ...], like its result.
      moments: Trees of arrays [M, ...].
    """
    count = len(jax.tree.leaves(moments)[0])
    missing = -count % CHUNK
    padded = jax.tree.map(lambda leaf: np.concatenate([leaf, np.repeat(leaf[-1:], missing, axis=0)]), moments)
    parts = [
        jax.device_get(render(*jax.tree.map(lambda leaf: jnp.asarray(leaf[i : i + CHUNK]), padded)))  # noqa: B023
        for i in range(0, count + missing, CHUNK)
    ]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:count], *parts)
