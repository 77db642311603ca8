from dataclasses import replace

import jax
import numpy as np
import pytest

from mjxdex.config_rgb import RgbConfig
from mjxdex.render import looks
from mjxdex.render.looks import ARM, HAND, OBJECT, PLAIN, TABLE
from mjxdex.render.textures import NUM_BACKGROUNDS, NUM_TEXTURES

NUM = 4000
CONFIG = RgbConfig()


def draw(config: RgbConfig) -> looks.Looks:
    keys = jax.random.split(jax.random.key(0), NUM)
    return jax.tree.map(
        np.asarray, jax.jit(jax.vmap(lambda key: looks.randomized(key, config, views=2)))(keys)
    )


@pytest.fixture(scope="module")
def drawn() -> looks.Looks:
    return draw(CONFIG)


@pytest.fixture(scope="module")
def lit() -> looks.Looks:
    return draw(replace(CONFIG, light_probability=1.0))


def assert_uniform(values: np.ndarray, low: float, high: float) -> None:
    """Values [N] fill the range evenly."""
    span = high - low
    assert low - 1e-5 * span <= values.min() and values.max() <= high + 1e-5 * span
    np.testing.assert_allclose(values.mean(), (low + high) / 2, atol=0.03 * span)
    np.testing.assert_allclose(values.std(), span / np.sqrt(12), rtol=0.05)


def test_default_has_one_row_per_env_and_the_shapes_of_a_draw(drawn):
    default = looks.default(NUM, 2)
    for one, other in zip(default, drawn, strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
    assert (np.asarray(default.texture) == PLAIN).all() and (np.asarray(default.background) == PLAIN).all()
    np.testing.assert_allclose(np.linalg.norm(default.light_dir[0]), 1, rtol=1e-6)
    np.testing.assert_allclose(default.light + default.sky, 0.75)


def test_gloss_of_every_part(drawn):
    ranges = {
        TABLE: ((0.3, 0.9), None, (0, 1)),
        ARM: ((0.2, 1), (0, 0.8), (0, 1)),
        HAND: ((0.2, 1), (0, 0.8), (0, 1)),
        OBJECT: ((0, 1), (0, 1), (0, 1)),
    }
    for part, kinds in ranges.items():
        leaves = (drawn.roughness, drawn.metallic, drawn.specular)
        for leaf, ends in zip(leaves, kinds, strict=True):
            if ends is None:
                assert (leaf[:, part] == 0).all()
            else:
                assert_uniform(leaf[:, part], *ends)


def test_tints_and_textures(drawn):
    for channel, ends in enumerate(((0.3, 0.6), (0.2, 0.4), (0.1, 0.2))):
        assert_uniform(drawn.tint[:, TABLE, channel], *ends)
        assert_uniform(drawn.tint[:, OBJECT, channel], 0, 1)
    for part in (ARM, HAND):
        np.testing.assert_allclose(drawn.tint[:, part], np.tile(looks.DEFAULT_TINT[part], (NUM, 1)))
        assert (drawn.texture[:, part] == PLAIN).all()
    assert_uniform(drawn.texture_turn[:, TABLE], 0, 2 * np.pi)
    for axis in range(2):
        assert_uniform(drawn.texture_scale[:, TABLE, axis], *CONFIG.table_texture_scale)
        assert_uniform(drawn.texture_scale[:, OBJECT, axis], *CONFIG.object_texture_scale)
    for part in (TABLE, OBJECT):
        counts = np.bincount(drawn.texture[:, part], minlength=NUM_TEXTURES)
        assert len(counts) == NUM_TEXTURES and counts.min() > 0.5 * NUM / NUM_TEXTURES


def test_all_numbers_of_an_env_are_drawn_apart(drawn):
    """No two share their random number, and none decides over another."""
    random = [leaf.reshape(NUM, -1) for leaf in (
        drawn.roughness, drawn.metallic, drawn.specular, drawn.tint, drawn.texture_scale,
        drawn.texture_turn, drawn.texture.astype(float), drawn.background_shift,
    )]  # fmt: skip
    columns = np.concatenate(random, axis=1)
    columns = columns[:, columns.std(axis=0) > 1e-6]
    correlation = np.corrcoef(columns.T) - np.eye(columns.shape[1])
    assert columns.shape[1] == 11 + 6 + 4 + 1 + 2 + 4 and np.abs(correlation).max() < 0.08


def test_backgrounds_are_seen_by_half_of_the_envs_and_cropped_by_eye(drawn):
    seen = drawn.background != PLAIN
    assert 0.47 < seen.mean() < 0.53
    counts = np.bincount(drawn.background[seen], minlength=NUM_BACKGROUNDS)
    assert len(counts) == NUM_BACKGROUNDS and counts.min() > 0
    assert_uniform(drawn.background_shift.ravel(), 0, 1)
    assert abs(np.corrcoef(drawn.background_shift[:, 0, 0], drawn.background_shift[:, 1, 0])[0, 1]) < 0.05


def test_light_is_random_as_often_as_told(drawn):
    default = looks.default(1, 2)
    usual = (drawn.light == default.light[0]).all(axis=1)
    assert 0.67 < usual.mean() < 0.73
    for leaf in ("light_dir", "sky", "ground"):
        same = (getattr(drawn, leaf) == np.asarray(getattr(default, leaf))[0]).all(axis=1)
        np.testing.assert_array_equal(same, usual)


def test_random_lights_come_from_above_and_are_as_bright_as_told(lit):
    np.testing.assert_allclose(np.linalg.norm(lit.light_dir, axis=1), 1, rtol=1e-5)
    assert_uniform(lit.light_dir[:, 2], 0.2, 1)
    assert_uniform(np.arctan2(lit.light_dir[:, 1], lit.light_dir[:, 0]), -np.pi, np.pi)
    # Four times the intensity at an exponent of 0.5 is twice the brightness; tints of 0.7 to 1 dim it.
    total = lit.light + lit.sky
    assert 0.7 * 0.75 < total.min() < 0.62 and 1.35 < total.max() < 1.5
    assert (lit.ground < 0.81 / 0.7 * lit.sky).all() and lit.ground.min() > 0


def test_draws_depend_on_the_key_and_textures_can_be_switched_off(drawn):
    plain = draw(replace(CONFIG, object_texture_probability=0, background_probability=0))
    assert (plain.texture[:, OBJECT] == PLAIN).all() and (plain.background == PLAIN).all()
    np.testing.assert_array_equal(plain.texture[:, TABLE], drawn.texture[:, TABLE])
    np.testing.assert_array_equal(plain.roughness, drawn.roughness)
