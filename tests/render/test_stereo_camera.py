from dataclasses import replace

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from mjxdex import objects as object_sets
from mjxdex import scene
from mjxdex.config import Config, ConfigError, RenderConfig
from mjxdex.config_rgb import RgbConfig
from mjxdex.evaluation.scene_picture import hand_above
from mjxdex.render import looks, rgb_augmentation, stereo
from mjxdex.render.looks import TABLE
from mjxdex.render.stereo_camera import StereoCamera, StereoView

NUM = 2
OBJECTS = object_sets.load("primitives")
IDS = jnp.array([0, 7])
KEYS = jax.random.split(jax.random.key(0), NUM)
QPOS = jnp.asarray(np.tile(hand_above(OBJECTS, OBJECTS.names[0])[0], (NUM, 1)), jnp.float32)
FULL = RgbConfig(width=64, height=48, blur_probability=1.0, light_probability=1.0, background_probability=1.0)


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return scene.build(Config(), OBJECTS)


@pytest.fixture(scope="module")
def camera(model) -> StereoCamera:
    return StereoCamera(Config(rgb=FULL), model, OBJECTS, NUM)


@pytest.fixture(scope="module")
def view(camera) -> StereoView:
    """Of two envs, with everything randomized."""
    return jax.jit(jax.vmap(camera.draw))(KEYS)


@pytest.fixture(scope="module")
def spoilt(camera, view) -> np.ndarray:
    """Images of the two envs, with every augmentation."""
    return np.asarray(jax.jit(camera.images)(QPOS, IDS, view, KEYS))


def images(model: mujoco.MjModel, rgb: RgbConfig, view: StereoView, qpos: jax.Array = QPOS) -> np.ndarray:
    camera = StereoCamera(Config(rgb=rgb), model, OBJECTS, NUM)
    return np.asarray(jax.jit(camera.images)(qpos, IDS, view, KEYS))


def test_envs_see_different_things(spoilt):
    assert spoilt.shape == (NUM, 2, 48, 64, 3) and spoilt.dtype == np.uint8
    assert np.abs(np.diff(spoilt.astype(float), axis=0)).mean() > 20
    assert spoilt.std(axis=(2, 3)).min() > 5


def test_augmentation_comes_before_the_flip(model, view, spoilt):
    sharp = images(model, replace(FULL, augment=False), view)
    raw = stereo.upright(jnp.asarray(sharp))  # turned back

    @jax.jit
    def spoil(raw: jax.Array) -> jax.Array:
        return rgb_augmentation.motion_blur(rgb_augmentation.colour(raw, view.colour), KEYS, FULL)

    expected = np.asarray(stereo.upright(spoil(raw))).astype(int)
    np.testing.assert_allclose(spoilt, expected, atol=1)
    assert np.abs(spoilt - sharp.astype(int)).mean() > 5


def test_looks_can_be_switched_off(model):
    camera = StereoCamera(Config(rgb=replace(FULL, randomize_looks=False)), model, OBJECTS, NUM)
    drawn = jax.jit(jax.vmap(camera.draw))(KEYS)
    for leaf, usual in zip(drawn.looks, looks.default(NUM, 2), strict=True):
        np.testing.assert_array_equal(leaf, usual)
    assert (drawn.cameras.pos[0] != drawn.cameras.pos[1]).all()


def test_disparity_of_the_pair_is_that_of_its_docstring(model):
    """Table points are alike in both upright images where f * offset / z says, to half a pixel."""
    rgb = RgbConfig(augment=False)
    look = looks.default(NUM, 2)
    table = jnp.arange(looks.NUM_PARTS) == TABLE
    look = look._replace(
        texture=jnp.where(table, jnp.array([[0], [5]]), looks.PLAIN).astype(jnp.int32),
        texture_scale=jnp.full_like(look.texture_scale, 4.0),
        tint=jnp.ones_like(look.tint),
        roughness=jnp.ones_like(look.roughness),
        specular=jnp.zeros_like(look.specular),
    )
    pair = stereo.nominal(NUM)
    colour = rgb_augmentation.draw_colour(KEYS[0], rgb)
    away = QPOS.at[:, :7].set(0.0).at[:, 23:26].set(jnp.array([0.5, 0.5, 0.0]))
    found = images(model, rgb, StereoView(pair, look, colour), away).astype(float)

    x, y = np.meshgrid(np.linspace(-0.8, -0.4, 60), np.linspace(0.0, 0.35, 60))
    points = np.stack((x, y, np.full_like(x, scene.TABLE_TOP)), axis=-1).reshape(-1, 3)
    optical = np.asarray(pair.rot[0, stereo.LEFT]) * (1, -1, -1)
    eye = (points - np.asarray(pair.pos[0, stereo.LEFT])) @ optical
    focal = scene.FOCAL_LENGTH * rgb.width
    left = np.array([rgb.width, rgb.height]) / 2 + focal * eye[:, :2] / eye[:, 2:]
    right = left - focal * np.array(scene.PAIR_OFFSET[:2]) / eye[:, 2:]
    inside = (
        (np.minimum(left, right) > 4) & (np.maximum(left, right) < (rgb.width - 4, rgb.height - 4))
    ).all(1)
    assert inside.sum() > 1000
    left, right = left[inside], right[inside]
    steps = np.arange(-2, 2.25, 0.25)
    for env in range(NUM):
        seen = _sample(found[env, stereo.LEFT], left)
        errors = np.array([
            [np.abs(_sample(found[env, stereo.RIGHT], right + (dx, dy)) - seen).mean() for dx in steps]
            for dy in steps
        ])  # fmt: skip
        dy, dx = np.unravel_index(errors.argmin(), errors.shape)
        assert abs(steps[dx]) <= 0.5 and abs(steps[dy]) <= 0.5
        assert errors.max() > 3 * errors.min()


def _sample(image: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Bilinear colours [M, 3] of an image [H, W, 3] at columns and rows [M, 2], pixel centres at halves."""
    low = np.floor(at - 0.5).astype(int)
    share = at - 0.5 - low
    total = 0.0
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight = np.abs(1 - j - share[:, 0]) * np.abs(1 - i - share[:, 1])
        total = total + weight[:, None] * image[low[:, 1] + i, low[:, 0] + j]
    return np.asarray(total)


def test_a_backend_without_colours_is_an_error_that_names_the_others(model):
    with pytest.raises(ConfigError, match=r"mjwarp draws no stereo RGB; allowed: warp"):
        StereoCamera(Config(render=RenderConfig(backend="mjwarp")), model, OBJECTS, NUM)
