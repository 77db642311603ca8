"""Procedural pictures: seamless, the same every time, all different."""

import numpy as np
import pytest

from mjxdex.render import texture_sampling
from mjxdex.render.textures import NUM_BACKGROUNDS, NUM_TEXTURES, SIZE, background_bank, texture_bank


def test_textures_go_on_across_their_edges():
    bank = texture_bank().astype(float)
    assert bank.shape == (NUM_TEXTURES, SIZE, SIZE, 3)
    for axis in (1, 2):
        steps = np.abs(np.diff(bank, axis=axis, append=np.take(bank, [0], axis=axis))).mean(
            axis=(3 - axis, 3)
        )
        # The seam is no sharper than the sharpest line inside, such as the joint of a wall.
        assert (steps[:, -1] <= 1.3 * steps[:, :-1].max(axis=1) + 1).all()


def test_textures_are_the_same_every_time_and_all_different():
    bank = texture_bank()
    np.testing.assert_array_equal(bank, texture_bank.__wrapped__())
    small = bank[:, ::16, ::16].reshape(len(bank), -1).astype(float)
    apart = np.abs(small[:, None] - small).mean(axis=-1) + 255 * np.eye(len(bank))
    assert apart.min() > 8
    assert (bank.reshape(len(bank), -1, 3).std(axis=1).max(axis=1) > 4).all()


def test_packed_textures_keep_their_light_at_every_size():
    pixels = texture_sampling.packed()
    sizes = [SIZE >> level for level in range(SIZE.bit_length())]
    assert pixels.shape == (NUM_TEXTURES, sum(size**2 for size in sizes))
    linear = (np.stack([pixels >> shift & 1023 for shift in (0, 10, 20)], axis=-1) / 1023) ** 2
    first = linear[:, : SIZE**2].reshape(NUM_TEXTURES, SIZE, SIZE, 3)
    srgb = np.where(first <= 0.0031308, 12.92 * first, 1.055 * first ** (1 / 2.4) - 0.055)
    assert np.abs(255 * srgb - texture_bank()).max() < 0.5
    start = 0
    for size in sizes:
        mean = linear[:, start : start + size**2].mean(axis=1)
        np.testing.assert_allclose(mean, first.mean(axis=(1, 2)), atol=2e-3)
        start += size**2


@pytest.mark.parametrize("height, width", [(30, 40), (31, 17)])
def test_backgrounds_are_twice_the_image_and_the_same_every_time(height, width):
    bank = background_bank(height, width)
    assert bank.shape == (NUM_BACKGROUNDS, 2 * height, 2 * width, 3)
    np.testing.assert_array_equal(bank, background_bank.__wrapped__(height, width))
    assert (bank.reshape(NUM_BACKGROUNDS, -1).std(axis=1) > 10).all()


def test_backgrounds_of_another_size_show_the_same():
    small, large = (background_bank(h, 4 * h // 3).astype(float) for h in (15, 60))
    shrunk = large.reshape(NUM_BACKGROUNDS, 30, 4, 40, 4, 3).mean(axis=(2, 4))
    difference = np.abs(small - shrunk).mean(axis=(1, 2, 3))
    assert np.median(difference) < 15
