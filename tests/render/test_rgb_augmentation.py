import colorsys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config_rgb import RgbConfig
from mjxdex.render import rgb_augmentation
from mjxdex.render.rgb_augmentation import ColourFactors

CONFIG = RgbConfig()
ALWAYS = replace(CONFIG, blur_probability=1.0)
blur = jax.jit(rgb_augmentation.motion_blur, static_argnums=2)
colour = jax.jit(rgb_augmentation.colour)


def factors(num_envs=1, **changed: float) -> ColourFactors:
    values = {"saturation": 1.0, "contrast": 1.0, "brightness": 1.0, "hue": 0.0} | changed
    return ColourFactors(**{name: jnp.full(num_envs, value) for name, value in values.items()})


def pictures(num_envs: int, height: int = 4, width: int = 160) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (num_envs, 2, height, width, 3), dtype=np.uint8)


def keys(num_envs: int, seed: int = 0) -> jax.Array:
    return jax.random.split(jax.random.key(seed), num_envs)


def row_of(*pixels: tuple[int, int, int]) -> np.ndarray:
    """One env whose two images are one row of pixels."""
    return np.tile(np.array(pixels, np.uint8), (1, 2, 1, 1, 1))


def test_factors_of_one_change_nothing():
    images = pictures(3)
    np.testing.assert_array_equal(colour(images, factors(3)), images)


def test_saturation():
    """Grey of (200, 100, 50) is 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2."""
    image = row_of((200, 100, 50), (255, 255, 255))
    np.testing.assert_array_equal(colour(image, factors(saturation=0.0))[0, 1, 0, 0], (124, 124, 124))
    np.testing.assert_array_equal(colour(image, factors(saturation=0.5))[0, 1, 0, 0], (162, 112, 87))
    np.testing.assert_array_equal(colour(image, factors(saturation=1.5))[0, 1, 0, 0], (238, 88, 13))


def test_contrast_is_about_the_mean_grey_and_brightness_about_black():
    image = row_of((40, 40, 40), (120, 120, 120))
    np.testing.assert_array_equal(colour(image, factors(contrast=0.5))[0, 0, 0, :, 0], (60, 100))
    np.testing.assert_array_equal(colour(image, factors(contrast=1.5))[0, 0, 0, :, 0], (20, 120))
    np.testing.assert_array_equal(colour(image, factors(brightness=0.5))[0, 0, 0, :, 0], (20, 60))


def test_channels_end_at_their_highest_value_in_the_image():
    image = row_of((40, 10, 90), (120, 60, 30))
    expected = [(60, 15, 90), (120, 60, 45)]
    np.testing.assert_array_equal(colour(image, factors(brightness=1.5))[0, 0, 0], expected)
    other = pictures(2, height=1, width=2)
    other[0] = image[0]
    found = colour(other, factors(2, brightness=1.5))
    np.testing.assert_array_equal(found[0, 0, 0], expected)


def test_a_third_of_a_turn_makes_red_green():
    image = row_of((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (100, 100, 0))
    found = colour(image, factors(hue=1 / 3))[0, 0, 0]
    expected = [(0, 255, 0), (0, 0, 255), (255, 0, 0), (255, 255, 255), (0, 100, 100)]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shift", [-0.15, 0.15, 0.62])
def test_hue_is_turned_as_the_standard_library_does_it(shift):
    images = pictures(1)
    expected = []
    for pixel in images.reshape(-1, 3) / 255:
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
        expected.append(colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value))
    found = np.asarray(colour(images, factors(hue=shift)), float).reshape(-1, 3)
    np.testing.assert_allclose(found, np.array(expected) * 255, atol=0.502)


def test_envs_have_their_own_factors_and_eyes_share_them():
    images = pictures(4)
    images[:, 1] = images[:, 0]
    drawn = jax.vmap(lambda key: rgb_augmentation.draw_colour(key, CONFIG))(keys(4))
    found = np.asarray(colour(images, drawn))
    np.testing.assert_array_equal(found[:, 0], found[:, 1])
    alone = colour(images[2:3], jax.tree.map(lambda leaf: leaf[2:3], drawn))
    np.testing.assert_allclose(found[2], np.asarray(alone[0], float), atol=1)  # roundings may differ


def test_factors_fill_their_ranges_apart_from_each_other():
    drawn = jax.vmap(lambda key: rgb_augmentation.draw_colour(key, CONFIG))(keys(4000))
    columns = np.stack(drawn)
    for column, (low, high) in zip(columns, ((0.5, 1.5),) * 3 + ((-0.15, 0.15),), strict=True):
        assert low <= column.min() < column.max() <= high
        np.testing.assert_allclose(column.std(), (high - low) / np.sqrt(12), rtol=0.04)
    assert np.abs(np.corrcoef(columns) - np.eye(4)).max() < 0.06


def test_blur_touches_its_share_of_the_envs_and_both_their_eyes():
    images = pictures(2000, height=2)
    changed = (np.asarray(blur(images, keys(2000), CONFIG)) != images).any(axis=(2, 3, 4))
    np.testing.assert_array_equal(changed[:, 0], changed[:, 1])
    assert 0.08 < changed[:, 0].mean() < 0.12


def test_blur_keeps_images_of_one_colour():
    images = np.broadcast_to(np.array([200, 3, 99], np.uint8), (65, 2, 4, 160, 3))
    np.testing.assert_array_equal(blur(images, keys(65), ALWAYS), images)


def test_blur_of_an_env_depends_on_its_key_and_images_alone():
    """And not on its place in the batch, nor in the chunks that the blurred ones are worked off in."""
    images, some = pictures(150), keys(150)
    config = replace(CONFIG, blur_probability=0.7)
    found = np.asarray(blur(images, some, config))
    assert 70 < (found != images).any(axis=(1, 2, 3, 4)).sum() < 140
    order = np.random.default_rng(1).permutation(150)
    np.testing.assert_array_equal(blur(images[order], some[order], config), found[order])


def test_a_dot_becomes_a_line():
    """A white dot of an image 320 wide spreads over a straight line of at most 17 pixels through it, which
    holds 70 % of its light; the dot itself keeps 30 % and its part of the line."""
    num_envs, centre = 40, 20
    images = np.zeros((num_envs, 2, 41, 320, 3), np.uint8)
    images[:, :, centre, 160] = 255
    found = np.asarray(blur(images, keys(num_envs), ALWAYS)).astype(float)[:, 0, :, :, 0]
    np.testing.assert_allclose(found.sum(axis=(1, 2)), 255, atol=17 / 2)
    assert (found[:, centre, 160] > 0.3 * 255).all()
    lengths, angles = [], []
    for image in found:
        row, column = np.nonzero(image)
        offsets = np.stack((column - 160, centre - row), axis=1)
        direction = np.linalg.svd(offsets.astype(float))[2][0]
        assert np.abs(offsets @ (-direction[1], direction[0])).max() < 0.8
        lengths.append(np.abs(offsets @ direction).max())
        angles.append(np.arctan2(direction[1], direction[0]) % np.pi)
    assert min(lengths) < 6 and 7 < max(lengths) < 8.8
    assert np.histogram(angles, 4, (0, np.pi))[0].min() >= 4


def test_taps_of_a_line():
    """13 taps at an angle of a quarter turn, from weight 0.2 at the lower end to 0.8 at the upper one."""
    down, right, weight = (
        np.asarray(value[0])
        for value in rgb_augmentation._taps(
            (9, 13, 17), jnp.array([0.5]), jnp.array([0.5]), jnp.array([0.2]), scale=1.0
        )
    )
    np.testing.assert_array_equal(right, np.zeros(17))
    np.testing.assert_array_equal(down, -np.arange(-8, 9))
    expected = np.concatenate((np.zeros(2), np.linspace(0.2, 0.8, 13) / 6.5, np.zeros(2)))
    np.testing.assert_allclose(weight, expected, atol=1e-6)


def test_blur_is_as_long_in_small_images():
    down, right, _ = rgb_augmentation._taps(
        (17,), jnp.array([0.5]), jnp.array([0.0]), jnp.array([0.5]), scale=0.5
    )
    assert np.abs(right).max() == 4 and not np.asarray(down).any()
