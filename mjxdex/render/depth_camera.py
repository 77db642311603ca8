"""The depth images that the policy sees: drawn, made noisy, cut off and rounded to 16 bits."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco

from mjxdex.config import CameraConfig, Config
from mjxdex.objects import ObjectSet
from mjxdex.render import cameras, depth_noise
from mjxdex.render.backends import depth_renderer
from mjxdex.render.cameras import Cameras
from mjxdex.types import DEPTH_UNIT


class DepthView(NamedTuple):
    """What decides the depth images of N envs beside their poses.

    Attributes:
      cameras: of the envs.
      noise: float32 [N], strength of the depth noise, 0 to 1.
      key_data: uint32 [N, 2], data of one PRNG key per env, of the noise.
    """

    cameras: Cameras
    noise: jax.Array
    key_data: jax.Array


class DepthCamera:
    """The depth camera of all envs of a device.

    Args:
      config: the backend, resolution, noise and cut-offs.
      model: from `scene.build(config, objects)`.
      objects: the set of that model.
      num_envs: N, envs per device.
      devices: the devices of the pmapped program that calls it, in the order of its axis SIM_AXIS; None for a
        jitted program on the default device.
    """

    def __init__(
        self,
        config: Config,
        model: mujoco.MjModel,
        objects: ObjectSet,
        num_envs: int,
        devices: list[jax.Device] | None = None,
    ) -> None:
        self.renderer = depth_renderer(model, objects, config, num_envs, devices)
        self._config = config.camera

    def image(self, qpos: jax.Array, object_id: jax.Array, view: DepthView) -> jax.Array:
        """Images uint16 [N, H, W] in DEPTH_UNIT, 0 where nothing is seen; pure, callable inside jit and pmap.

        Args:
          qpos: float32 [N, 30], as in `PhysicsState`.
          object_id: int32 [N], which object of the set each env holds.
          view: of the N envs.
        """
        return sensed(self.renderer.render(qpos, object_id, view.cameras), view, self._config)


def sensed(depth: jax.Array, view: DepthView, camera: CameraConfig) -> jax.Array:
    """What a camera reports of rendered depth, float32 [N, H, W], metres: noise first, then `quantize`."""
    noisy = depth_noise.add(depth, jax.random.wrap_key_data(view.key_data), view.noise, camera)
    return quantize(noisy, camera.depth_min, camera.depth_max)


def quantize(depth: jax.Array, depth_min: float, depth_max: float) -> jax.Array:
    """Rounds depth in metres to uint16 counts of DEPTH_UNIT; 0 for all outside [depth_min, depth_max]."""
    seen = (depth >= depth_min) & (depth <= depth_max)
    return jnp.where(seen, jnp.round(depth / DEPTH_UNIT), 0).astype(jnp.uint16)


def nominal_view(num_envs: int) -> DepthView:
    """At ADR level 0: the camera in its place, no noise."""
    return DepthView(cameras.nominal(num_envs), jnp.zeros(num_envs), jnp.zeros((num_envs, 2), jnp.uint32))
