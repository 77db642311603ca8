"""A figure of the stereo images: plain, with random looks, and spoilt like those of real cameras."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from mjxdex import objects as object_sets
from mjxdex import scene
from mjxdex.config import Config
from mjxdex.config_rgb import RgbConfig
from mjxdex.evaluation.reset_picture import settled
from mjxdex.evaluation.scene_picture import hand_above
from mjxdex.objects import ObjectSet
from mjxdex.render import stereo
from mjxdex.render.stereo_camera import StereoCamera
from mjxdex.robot.tables import NUM_JOINTS
from mjxdex.task.reset import fresh

LEVEL = 25
"""ADR level at which the shown episodes start."""
_COLUMNS = 5
_REACHING = 3
"""Columns whose hand is near the object; in the others it is where an episode starts."""
_MOVED = 0.15
"""Largest deviation of a reaching joint from the pose of `hand_above`, rad."""
_GAP = 4
"""White pixels between pairs."""
_LABEL = 130
"""Pixels left of the rows, for their titles."""
_DPI = 100


def stereo_figure(config: Config, seed: int = 0) -> Figure:
    """Pairs of upright images, left and right eye side by side: a column per env, a second after its reset.

    Args:
      config: object set, renderer and everything about the stereo cameras.
      seed: of poses, cameras, looks and augmentation.
    """
    objects = object_sets.load(config.env.objects)
    scenes = _scenes(config, objects, seed)
    sharp, blurred = (replace(config.rgb, augment=True, blur_probability=p) for p in (0.0, 1.0))
    rows = {
        "default look,\nnominal cameras": (_plain(config.rgb), seed),
        "random looks\nand cameras": (replace(config.rgb, augment=False), seed),
        "others": (replace(config.rgb, augment=False), seed + 1),
        "the same,\ncolours changed": (sharp, seed + 1),
        "and blurred\nby motion": (blurred, seed + 1),
    }
    pictures = {
        title: _pairs(replace(config, rgb=rgb), objects, *scenes, jax.random.key(look_seed))
        for title, (rgb, look_seed) in rows.items()
    }
    return _draw(pictures)


def _plain(rgb: RgbConfig) -> RgbConfig:
    """Without any randomization."""
    ranges = ("base_angle_deg", "base_distance", "focal", "pair_angle_deg", "pair_distance")
    return replace(rgb, randomize_looks=False, augment=False, **dict.fromkeys(ranges, 0.0))


def _scenes(config: Config, objects: ObjectSet, seed: int) -> tuple[jax.Array, jax.Array]:
    """qpos [N, 30] and object_id [N] of _COLUMNS envs with different objects."""
    env_id = np.linspace(0, len(objects) - 1, _COLUMNS).round().astype(np.int32)
    key = jax.random.key(seed)
    start = jax.jit(fresh, static_argnums=(0, 1))(
        config.adr, len(objects), env_id, 0 * env_id, key, jnp.int32(LEVEL)
    )
    start = start._replace(physics=jax.tree.map(np.asarray, start.physics))
    rng = np.random.default_rng(seed)
    qpos = []
    for column, env in enumerate(env_id):
        if column < _REACHING:
            pose, _ = hand_above(objects, objects.names[env])
            pose[:NUM_JOINTS] += rng.uniform(-_MOVED, _MOVED, NUM_JOINTS)
            half_turn = rng.uniform(0, np.pi)
            pose[-4:] = np.cos(half_turn), 0, 0, np.sin(half_turn)
        else:
            pose = settled(config, objects, start.physics.qpos[column], int(env))
        qpos.append(pose)
    return jnp.asarray(np.stack(qpos), jnp.float32), jnp.asarray(env_id)


def _pairs(
    config: Config, objects: ObjectSet, qpos: jax.Array, object_id: jax.Array, key: jax.Array
) -> np.ndarray:
    """A row of the figure: N pairs, portraits with the world's up on top, uint8 [H, W, 3]."""
    num_envs = len(qpos)
    camera = StereoCamera(config, scene.build(config, objects), objects, num_envs)
    draw_key, blur_key = jax.random.split(key)

    def images(qpos: jax.Array, object_id: jax.Array) -> jax.Array:
        view = jax.vmap(camera.draw)(jax.random.split(draw_key, num_envs))
        return camera.images(qpos, object_id, view, jax.random.split(blur_key, num_envs))

    eyes = np.rot90(np.asarray(jax.jit(images)(qpos, object_id)), k=-1, axes=(2, 3))
    pairs = np.concatenate((eyes[:, stereo.LEFT], eyes[:, stereo.RIGHT]), axis=2)
    pairs = np.pad(pairs, ((0, 0), (_GAP, 0), (_GAP, 0), (0, 0)), constant_values=255)
    return np.concatenate(pairs, axis=1)


def _draw(rows: dict[str, np.ndarray]) -> Figure:
    """Titled rows of images, pixel by pixel."""
    picture = np.concatenate([*rows.values()])
    height, width = picture.shape[:2]
    figure = Figure(((width + _LABEL) / _DPI, height / _DPI), dpi=_DPI)
    axes = figure.add_axes((_LABEL / (width + _LABEL), 0, width / (width + _LABEL), 1))
    axes.imshow(picture, interpolation="none", aspect="auto")
    axes.set_axis_off()
    for i, title in enumerate(rows):
        at = 0.45 * _LABEL / (width + _LABEL), 1 - (i + 0.5) / len(rows)
        figure.text(*at, title, ha="center", va="center", fontsize=9)
    return figure
