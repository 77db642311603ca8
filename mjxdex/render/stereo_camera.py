"""The stereo images that the student sees: rendering, colour, blur and flip in one place."""

from typing import NamedTuple

import jax
import mujoco

from mjxdex.config import Config
from mjxdex.objects import ObjectSet
from mjxdex.render import looks, rgb_augmentation, stereo
from mjxdex.render.backends import rgb_renderer
from mjxdex.render.cameras import Cameras
from mjxdex.render.looks import Looks
from mjxdex.render.rgb_augmentation import ColourFactors


class StereoView(NamedTuple):
    """What N envs' stereo cameras keep during an episode: leaves [N, ...].

    Attributes:
      cameras: left and right camera, leaves [N, 2, ...].
      looks: of the scene.
      colour: changes of the colours, the same for both eyes.
    """

    cameras: Cameras
    looks: Looks
    colour: ColourFactors


class StereoCamera:
    """The stereo RGB cameras of all envs of a device; `config.rgb` says where they are and what they see.

    Args:
      config: the backend, and everything in `rgb`.
      model: from `scene.build(config, objects)`.
      objects: the set of that model.
      num_envs: N, envs per device.
      devices: as in `backends.depth_renderer`.

    Raises:
      ConfigError: if the backend of the config draws no colours.
    """

    def __init__(
        self,
        config: Config,
        model: mujoco.MjModel,
        objects: ObjectSet,
        num_envs: int,
        devices: list[jax.Device] | None = None,
    ) -> None:
        self._config = config.rgb
        self._num_envs = num_envs
        self._renderer = rgb_renderer(model, objects, config, num_envs, stereo.NUM_EYES, devices)

    def draw(self, key: jax.Array) -> StereoView:
        """View of one env for one episode, drawn at its reset, leaves without N; callers vmap.

        Args:
          key: one PRNG key, of this episode of this env.
        """
        camera_key, looks_key, colour_key = jax.random.split(key, 3)
        if self._config.randomize_looks:
            look = looks.randomized(looks_key, self._config, stereo.NUM_EYES)
        else:
            look = jax.tree.map(lambda leaf: leaf[0], looks.default(1, stereo.NUM_EYES))
        return StereoView(
            cameras=stereo.randomized(camera_key, self._config),
            looks=look,
            colour=rgb_augmentation.draw_colour(colour_key, self._config),
        )

    def images(self, qpos: jax.Array, object_id: jax.Array, view: StereoView, keys: jax.Array) -> jax.Array:
        """Images of the poses given; pure, callable inside jit and pmap.

        Args:
          qpos: float32 [N, 30], as in `PhysicsState`.
          object_id: int32 [N], which object of the set each env holds.
          view: as `draw` gave it.
          keys: one PRNG key per env and control step, [N].

        Returns:
          uint8 [N, 2, H, W, 3], sRGB: left, and right turned upright.
        """
        images = self._renderer.render(qpos, object_id, view.cameras, view.looks)
        if self._config.augment:
            images = rgb_augmentation.colour(images, view.colour)
            images = rgb_augmentation.motion_blur(images, keys, self._config)
        return stereo.upright(images)
