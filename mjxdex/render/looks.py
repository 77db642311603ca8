"""What the scene looks like in each env: textures, colours, gloss, light and background."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config_rgb import RgbConfig
from mjxdex.draws import shares, within
from mjxdex.render.textures import NUM_BACKGROUNDS, NUM_TEXTURES

TABLE, ARM, HAND, OBJECT = range(4)
"""The parts of the scene that have a look of their own; the index of axis P of the leaves of `Looks`."""
NUM_PARTS = 4
PLAIN = -1
"""Texture of a part of one colour, and background that is only the dome."""

DEFAULT_TINT = ((0.26, 0.15, 0.08), (0.64, 0.66, 0.69), (0.03, 0.03, 0.04), (0.85, 0.43, 0.02))
"""Linear colours of table, arm, hand and object: about those of the MuJoCo model. Our choice."""
DEFAULT_ROUGHNESS = (0.6, 0.5, 0.5, 0.5)
DEFAULT_SPECULAR = 0.5
DEFAULT_INTENSITY = 1000.0
DEFAULT_BRIGHTNESS = 0.75
"""What a white surface that faces the light and the sky gets from the default light. Source: its intensity
and its colour in the published DextrAH task; that this is no more than white is our choice."""
DEFAULT_LIGHT_SHARE = 0.5
DEFAULT_GROUND_LIGHT = 0.5
DEFAULT_LIGHT_DIR = (-0.36, -0.48, 0.8)
"""From above, from the cameras' side of the table. Our choice, like the two shares."""

_SIZES = {
    "texture": 2 * NUM_PARTS, "scale": 2 * NUM_PARTS, "turn": 1,
    "tint": 3 * NUM_PARTS, "gloss": 3 * NUM_PARTS,
    "light": 6, "light_tint": 9, "background": 2,
}  # fmt: skip


class Looks(NamedTuple):
    """The looks of N envs with V views; P parts, see TABLE, ARM, HAND and OBJECT.

    Colours are linear RGB. Light is in display units: a white matt surface that faces a light of 1, or lies
    below a sky of 1, is drawn as sRGB 255, so the 1/pi of a matt surface is part of the unit.

    Attributes:
      texture: int32 [N, P], index into `textures.texture_bank`, PLAIN for none.
      tint: float32 [N, P, 3], factor on the texture, or the colour itself where there is none.
      texture_scale: float32 [N, P, 2], repetitions of the texture per metre along its two axes.
      texture_turn: float32 [N, P], rotation of the texture on the surface, rad.
      roughness, metallic, specular: float32 [N, P], each 0 to 1, as in glTF: a specular of 0.5 is the 4 %
        mirror reflection of most plastics, 1 is 8 %; metals reflect in their own colour instead.
      light_dir: float32 [N, 3], unit vector from the scene towards the main light, world frame.
      light: float32 [N, 3], irradiance of the main light.
      sky, ground: float32 [N, 3], light of the dome from straight above and from straight below; in between
        it is mixed by the vertical component of the surface's normal, or of the ray where nothing is hit.
      background: int32 [N], index into `textures.background_bank`, PLAIN for the dome.
      background_shift: float32 [N, V, 2], where each view crops the picture, along its columns and rows, as
        share of what there is to choose from, 0 to 1.
    """

    texture: jax.Array
    tint: jax.Array
    texture_scale: jax.Array
    texture_turn: jax.Array
    roughness: jax.Array
    metallic: jax.Array
    specular: jax.Array
    light_dir: jax.Array
    light: jax.Array
    sky: jax.Array
    ground: jax.Array
    background: jax.Array
    background_shift: jax.Array


def default(num_envs: int, views: int) -> Looks:
    """Plain colours under the default light, in every env."""
    look = Looks(
        texture=jnp.full(NUM_PARTS, PLAIN, jnp.int32),
        tint=jnp.array(DEFAULT_TINT, jnp.float32),
        texture_scale=jnp.ones((NUM_PARTS, 2)),
        texture_turn=jnp.zeros(NUM_PARTS),
        roughness=jnp.array(DEFAULT_ROUGHNESS, jnp.float32),
        metallic=jnp.zeros(NUM_PARTS),
        specular=jnp.full(NUM_PARTS, DEFAULT_SPECULAR),
        light_dir=jnp.array(DEFAULT_LIGHT_DIR, jnp.float32),
        light=jnp.full(3, DEFAULT_BRIGHTNESS * DEFAULT_LIGHT_SHARE),
        sky=jnp.full(3, DEFAULT_BRIGHTNESS * (1 - DEFAULT_LIGHT_SHARE)),
        ground=jnp.full(3, DEFAULT_BRIGHTNESS * (1 - DEFAULT_LIGHT_SHARE) * DEFAULT_GROUND_LIGHT),
        background=jnp.int32(PLAIN),
        background_shift=jnp.full((views, 2), 0.5),
    )
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (num_envs, *leaf.shape)), look)


def randomized(key: jax.Array, config: RgbConfig, views: int) -> Looks:
    """The looks of one env during an episode, leaves without N; callers vmap.

    Source: published DextrAH task, as far as `config` says so. Its one dome light with pictures of
    surroundings for textures, turned at random, is here a light from a random direction of the upper
    hemisphere and a dome of two colours.

    Args:
      key: one PRNG key.
      config: ranges.
      views: V.
    """
    plain = jax.tree.map(lambda leaf: leaf[0], default(1, views))
    share = shares(key, _SIZES | {"shift": 2 * views})
    look = _with_light(_with_materials(plain, config, share), config, share)
    shown, which = share["background"]
    return look._replace(
        background=_pick(which, NUM_BACKGROUNDS, shown < config.background_probability),
        background_shift=share["shift"].reshape(views, 2),
    )


def _with_materials(look: Looks, config: RgbConfig, share: dict[str, jax.Array]) -> Looks:
    """Textures, tints and gloss of all parts of one env."""
    robot = (config.robot_roughness, config.robot_metallic, config.robot_specular)
    gloss = {
        TABLE: (config.table_roughness, (0.0, 0.0), config.table_specular),
        ARM: robot,
        HAND: robot,
        OBJECT: (config.object_roughness, config.object_metallic, config.object_specular),
    }
    tint = {
        TABLE: (config.table_red, config.table_green, config.table_blue),
        OBJECT: (config.object_tint,) * 3,
    }
    scale = {TABLE: (config.table_texture_scale,) * 2, OBJECT: (config.object_texture_scale,) * 2}
    probability = {TABLE: config.table_texture_probability, OBJECT: config.object_texture_probability}
    chance = np.array([probability.get(part, 0.0) for part in range(NUM_PARTS)])
    roughness, metallic, specular = jnp.stack(
        [_within_all(gloss[part], share["gloss"][3 * part :][:3]) for part in range(NUM_PARTS)], axis=1
    )
    for part in (TABLE, OBJECT):
        look = look._replace(
            tint=look.tint.at[part].set(_within_all(tint[part], share["tint"][3 * part :][:3])),
            texture_scale=look.texture_scale.at[part].set(
                _within_all(scale[part], share["scale"][2 * part :][:2])
            ),
        )
    textured, which = share["texture"].reshape(2, NUM_PARTS)
    return look._replace(
        texture=_pick(which, NUM_TEXTURES, textured < chance),
        texture_turn=look.texture_turn.at[TABLE].set(within(config.table_texture_turn, share["turn"][0])),
        roughness=roughness,
        metallic=metallic,
        specular=specular,
    )


def _with_light(look: Looks, config: RgbConfig, share: dict[str, jax.Array]) -> Looks:
    """Main light and dome of one env, or what `look` has."""
    random, intensity, main, height, turn, below = share["light"]
    brightness = (
        DEFAULT_BRIGHTNESS
        * (within(config.light_intensity, intensity) / DEFAULT_INTENSITY) ** config.light_exponent
    )
    main = within(config.light_share, main)
    height = within(config.light_height, height)
    level, turn = jnp.sqrt(1 - height**2), 2 * jnp.pi * turn
    main_tint, sky_tint, ground_tint = within(config.light_tint, share["light_tint"].reshape(3, 3))
    drawn = look._replace(
        light_dir=jnp.stack((level * jnp.cos(turn), level * jnp.sin(turn), height)),
        light=brightness * main * main_tint,
        sky=brightness * (1 - main) * sky_tint,
        ground=brightness * (1 - main) * within(config.ground_light, below) * ground_tint,
    )
    return jax.tree.map(lambda a, b: jnp.where(random < config.light_probability, a, b), drawn, look)


def _within_all(ranges: Sequence[tuple[float, float]], share: jax.Array) -> jax.Array:
    """Numbers at a share [K] of each of K ranges."""
    low, high = np.array(ranges, np.float32).T
    return low + (high - low) * share


def _pick(share: jax.Array, count: int, chosen: jax.Array) -> jax.Array:
    """int32 0 to count - 1 where chosen, else PLAIN."""
    return jnp.where(chosen, jnp.floor(share * count).astype(jnp.int32), PLAIN)
