"""Pictures of an episode, rendered afterwards from its poses."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex import objects, scene
from mjxdex.config import Config
from mjxdex.render import Cameras, WarpRgbRenderer, cameras, depth_noise, depth_renderer, quantize
from mjxdex.task import sensing
from mjxdex.task.state import EnvState
from mjxdex.types import DEPTH_UNIT

CHUNK = 10
"""Moments rendered at once, as if they were envs."""


class DepthView(NamedTuple):
    """What decides the depth images of N envs beside their poses.

    Attributes:
      cameras: of the envs.
      noise: float32 [N], strength of the depth noise.
      key_data: uint32 [N, 2], of the noise.
    """

    cameras: Cameras
    noise: jax.Array
    key_data: jax.Array


def depth_view(state: EnvState, key: jax.Array) -> DepthView:
    """The depth view of N envs; `key` is the run's stream for the envs."""
    key_data = jax.random.key_data(sensing.depth_keys(state, key))
    return DepthView(state.random.cameras, state.random.depth_noise, key_data)


def nominal_view(count: int) -> DepthView:
    """Of `count` moments at ADR level 0: the camera in its place, no noise."""
    view = DepthView(cameras.nominal(count), jnp.zeros(count), jnp.zeros((count, 2), jnp.uint32))
    return jax.device_get(view)


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
    camera = config.camera
    rgb_renderer = WarpRgbRenderer(model, object_set, CHUNK, width, height)
    renderer = depth_renderer(model, object_set, config, CHUNK)

    @jax.jit
    def render(qpos: jax.Array, views: DepthView) -> tuple[jax.Array, jax.Array]:
        ids = jnp.full(CHUNK, object_id, jnp.int32)
        depth = renderer.render(qpos, ids, views.cameras)
        depth = depth_noise.add(depth, jax.random.wrap_key_data(views.key_data), views.noise, camera)
        seen = quantize(depth, camera.depth_min, camera.depth_max)
        return rgb_renderer.render(qpos, ids), seen * jnp.float32(DEPTH_UNIT)

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
