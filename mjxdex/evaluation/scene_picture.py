"""A picture of the scene beside what the depth camera sees of it."""

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex import objects as object_sets
from mjxdex import scene
from mjxdex.config import Config
from mjxdex.evaluation.frames import rgb_and_depth
from mjxdex.objects import ObjectSet
from mjxdex.render import WarpRgbRenderer, cameras, depth_renderer
from mjxdex.robot.tables import RESET_POS

HEIGHT = 480
ARM_POSE = np.array([-1.04, -0.68, 0.45, 1.43, -1.82, 1.77, 0.11])
"""Hand above the object, so that the depth camera sees both; rad."""
_OBJECT_POSE = (-0.55, 0.1)


def scene_picture(config: Config, object_name: str = "large_8_cuboid") -> np.ndarray:
    """The hand above an object: the overview left, the depth image (upright, turbo colours) right.

    Returns:
      uint8 [480, W, 3].

    Raises:
      ValueError: if the config's object set has no such object.
    """
    objects = object_sets.load(config.env.objects)
    qpos, k = hand_above(objects, object_name)
    model = scene.build(config, objects)
    scene_args = jnp.asarray(qpos[None], jnp.float32), jnp.array([k])
    overview = WarpRgbRenderer(model, objects, 1, HEIGHT * 4 // 3, HEIGHT, samples=3)
    depth = depth_renderer(model, objects, config, 1)
    rgb = np.asarray(jax.jit(overview.render)(*scene_args))
    seen = np.asarray(jax.jit(depth.render)(*scene_args, cameras.nominal(1)))
    return rgb_and_depth(rgb, seen, config.camera.depth_min, config.camera.depth_max)[0]


def hand_above(objects: ObjectSet, object_name: str) -> tuple[np.ndarray, int]:
    """A pose [30] with the hand above an object that stands on the table, and the object's number.

    Raises:
      ValueError: if the set has no such object.
    """
    if object_name not in objects.names:
        raise ValueError(f"no object {object_name!r} in {objects.name!r}; it has {', '.join(objects.names)}")
    k = objects.names.index(object_name)
    height = scene.TABLE_TOP + objects.geom["geom_aabb"][k, :, 1, 2].max()
    joints = np.concatenate([ARM_POSE, RESET_POS[7:]])
    return np.concatenate([joints, _OBJECT_POSE, [height, 1, 0, 0, 0]]), k
