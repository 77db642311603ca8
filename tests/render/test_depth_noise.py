"""Each model against what its parameters say, and all of them together."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex import scene
from mjxdex.config import CameraConfig
from mjxdex.render import DepthView, cameras, depth_camera, depth_noise
from mjxdex.types import DEPTH_UNIT

N, H, W = 16, 120, 160
SHIFT = jax.jit(depth_noise.shift)
DISPARITY = jax.jit(depth_noise.disparity, static_argnums=3)
ALONG_NORMALS = jax.jit(depth_noise.along_normals)
DROPOUT = jax.jit(depth_noise.dropout)
RANDOM_VALUES = jax.jit(depth_noise.random_values)
STICKS = jax.jit(depth_noise.sticks)
SENSED = jax.jit(depth_camera.sensed, static_argnums=2)

SEED = jax.vmap(lambda key: jax.random.bits(key, (2,)))(jax.random.split(jax.random.key(7), N))
FULL = jnp.ones(N)
BLANK = jnp.zeros((N, H, W))


def wall(angle: float = 0.0, distance: float = 0.9) -> jax.Array:
    """Depth of a wall whose normal is turned from the optical axis by `angle` (rad) to the right."""
    x = (jnp.arange(W) + 0.5 - W / 2) / (scene.FOCAL_LENGTH * W)
    return jnp.broadcast_to(distance / (1 + jnp.tan(angle) * x), (N, H, W))


def scenes(num_envs: int) -> jax.Array:
    """Random blocks of depths on both sides of the cut-offs, some of them 0."""
    blocks = jax.random.uniform(jax.random.key(1), (num_envs, 6, 8), minval=0.3, maxval=1.5)
    blocks = blocks.at[:, ::2, ::3].set(0)
    return jnp.repeat(jnp.repeat(blocks, 10, axis=1), 10, axis=2)


def camera(noise: str) -> CameraConfig:
    return CameraConfig(width=80, height=60, noise=noise)  # pyright: ignore[reportArgumentType]


def view(strength: jax.Array) -> DepthView:
    keys = jax.random.split(jax.random.key(3), len(strength))
    return DepthView(cameras.nominal(len(strength)), strength, jax.random.key_data(keys))


def test_words_are_random():
    pixels = depth_noise._pixels(H, W)
    word = np.asarray(depth_noise._words(SEED, 0, pixels))
    bits = word[..., None] >> np.arange(32, dtype=np.uint32) & 1
    np.testing.assert_allclose(bits.mean(axis=(0, 1, 2)), 0.5, atol=0.005)
    others = {
        "pixel to the right": np.roll(word, 1, axis=2),
        "pixel below": np.roll(word, 1, axis=1),
        "next env": np.roll(word, 1, axis=0),
        "next stream": np.asarray(depth_noise._words(SEED, 1, pixels)),
    }
    for name, other in others.items():
        assert abs(np.corrcoef(word.ravel() >> 16, other.ravel() >> 16)[0, 1]) < 0.01, name
        assert abs(np.corrcoef(word.ravel() & 0xFFFF, other.ravel() & 0xFFFF)[0, 1]) < 0.01, name
    assert abs(np.corrcoef(word.ravel() >> 16, word.ravel() & 0xFFFF)[0, 1]) < 0.01


def test_normal_numbers_follow_the_normal_distribution():
    x = depth_noise._normal(jnp.arange(65536, dtype=jnp.uint32))
    quantiles = (np.arange(65536) + 0.5) / 65536
    np.testing.assert_allclose(x, jnp.sqrt(2) * jax.lax.erf_inv(jnp.asarray(2 * quantiles - 1)), atol=5e-4)
    assert float(jnp.std(x)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("axis", [1, 2])
def test_shift_has_half_a_pixel_of_the_published_image(axis):
    ramp = 0.5 + 0.004 * jax.lax.broadcasted_iota(jnp.float32, (N, H, W), axis)
    shifted = (SHIFT(ramp, SEED, FULL) - ramp)[:, 2:-2, 2:-2] / 0.004
    assert float(jnp.std(shifted)) == pytest.approx(0.5 * W / 320, rel=0.01)
    assert float(jnp.mean(shifted)) == pytest.approx(0, abs=0.005)
    half = (SHIFT(ramp, SEED, 0.5 * FULL) - ramp)[:, 2:-2, 2:-2] / 0.004
    assert float(jnp.std(half)) == pytest.approx(0.25 * W / 320, rel=0.01)


def test_shift_mixes_surfaces_but_never_with_nothing():
    left = jnp.arange(W) < W // 2
    edge = jnp.broadcast_to(jnp.where(left, 0.6, 1.2), (N, H, W))
    mixed = np.asarray(SHIFT(edge, SEED, FULL))
    assert (mixed >= 0.6 - 1e-6).all() and (mixed <= 1.2 + 1e-6).all()
    assert ((mixed > 0.7) & (mixed < 1.1)).sum() > 100
    silhouette = jnp.where(left, 0.9, 0.0) + BLANK
    shifted = np.asarray(SHIFT(silhouette, SEED, FULL))
    seen = shifted > 0
    np.testing.assert_allclose(shifted[seen], 0.9, rtol=1e-6)
    changed = seen != np.asarray(silhouette > 0)
    # Shifts by more than half a pixel, which is 2 standard deviations: Phi(-2).
    assert changed[:, :, W // 2 - 1 : W // 2 + 1].mean() == pytest.approx(0.0228, rel=0.2)
    assert not changed[:, :, : W // 2 - 1].any() and not changed[:, :, W // 2 + 1 :].any()


@pytest.mark.parametrize(
    ("unit", "strength", "step"),
    [("metres", 1.0, 8 / 35130), ("centimetres", 1.0, 8 / 351.30), ("centimetres", 0.5, 4 / 351.30)],
)
def test_depth_comes_in_steps_of_the_inverse_depth(unit, strength, step):
    ramp = jnp.broadcast_to(jnp.linspace(0.99, 1.01, W), (N, H, W))
    depth = np.asarray(DISPARITY(ramp, SEED, strength * FULL, unit), np.float64)
    count = 1 / depth / step
    np.testing.assert_allclose(count, np.round(count), atol=2e-3)
    # At most half a step of rounding, a sixteenth of offset and 4.3 / 6 / 8 of noise.
    assert np.abs(1 / depth - 1 / np.asarray(ramp)).max() < 0.7 * step


def test_steps_at_one_metre():
    """By hand: 35130.5 / 8 rounds to 4391, and 351.8 / 8 to 44."""
    metres = DISPARITY(BLANK + 1.0, SEED, FULL, "metres")
    np.testing.assert_allclose(metres, 35130 / (8 * 4391), atol=1e-6)
    centimetres = DISPARITY(BLANK + 1.0, SEED, FULL, "centimetres")
    np.testing.assert_allclose(centimetres, 351.3 / (8 * 44), atol=1e-6)


@pytest.mark.parametrize("angle", [0.0, np.pi / 3])
def test_noise_is_along_the_normal(angle):
    depth = wall(angle)
    noise = np.asarray(ALONG_NORMALS(depth, depth, SEED, FULL) - depth)
    assert noise[:, :-1, :-1].std() == pytest.approx(0.01 * np.cos(angle), rel=0.01)
    assert noise.mean() == pytest.approx(0, abs=1e-4)
    assert not noise[:, -1].any() and not noise[:, :, -1].any()


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_dropout_rate(strength):
    dropped = DROPOUT(wall(), SEED, strength * FULL) == 0
    assert float(dropped.mean()) == pytest.approx(0.003125 * strength, rel=0.1)


def test_random_values_are_specks_of_uniform_depth():
    depth = np.asarray(RANDOM_VALUES(BLANK, SEED, FULL, 0.5, 1.3))
    values = depth[depth > 0]
    assert (depth > 0).mean() == pytest.approx(0.003125 * (1 + 3 * 0.25), rel=0.1)
    assert len(np.unique(values)) > 500 and values.min() >= 0.5 and values.max() <= 1.3
    assert values.mean() == pytest.approx(0.9, abs=0.03)
    assert values.std() == pytest.approx(0.8 / np.sqrt(12), rel=0.05)
    # 1 - (3/4)^3 of the specks cover more than their first pixel.
    right, below, both = depth[:, :-1, 1:], depth[:, 1:, :-1], depth[:, 1:, 1:]
    start = depth[:, :-1, :-1]
    larger = (start > 0) & ((start == right) | (start == below) | (start == both))
    assert larger.mean() == pytest.approx(0.003125 * (1 - 0.75**3), rel=0.25)


@pytest.mark.parametrize(("width", "height"), [(160, 120), (320, 240)])
def test_sticks_have_the_published_number_and_size(width, height):
    depth = np.asarray(STICKS(jnp.zeros((N, height, width)), SEED, FULL, 0.5, 1.3))
    sizes = []
    for image in depth:
        for value in np.unique(image[image > 0]):
            v, u = np.nonzero(image == value)
            if v.min() > 0 and v.max() < height - 1 and u.min() > 0 and u.max() < width - 1:
                sizes.append((len(v), max(np.ptp(v), np.ptp(u)) + 1))
    drawn = sum(len(np.unique(image)) - 1 for image in depth)
    assert drawn / N == pytest.approx(320 * 240 * 0.00025, abs=4 * np.sqrt(19.2 / N))
    area, extent = np.array(sizes).T
    scale = width / 320
    assert extent.max() <= 1 + 18 * scale + 1
    assert extent.max() > 0.8 * 18 * scale
    # Length 1 + 9 scale on average, as seen along the longer axis of the image: 2 sqrt(2) / pi of it.
    assert area.mean() / round(3 * scale) == pytest.approx(0.9 * (1 + 9 * scale), rel=0.15)


def test_number_of_sticks_follows_the_strength():
    strength = jnp.linspace(0, 1, N)
    covered = (STICKS(BLANK, jnp.tile(SEED[:1], (N, 1)), strength, 0.5, 1.3) > 0).sum((1, 2))
    assert covered[0] == 0 and (jnp.diff(covered) >= 0).all() and covered[-1] > 50


@pytest.mark.parametrize("noise", ["off", "metres", "centimetres"])
def test_no_strength_is_the_input_with_cut_offs(noise):
    depth = scenes(8)
    result = SENSED(depth, view(jnp.zeros(8)), camera(noise))
    expected = np.where((depth >= 0.5) & (depth <= 1.3), depth, 0)
    assert 0.3 < (expected > 0).mean() < 0.9
    np.testing.assert_allclose(result * DEPTH_UNIT, expected, atol=0.51 * DEPTH_UNIT)
    np.testing.assert_array_equal(result > 0, expected > 0)


def test_all_together():
    """Within the cut-offs, different for each key, the same for each call and for each split of the batch."""
    depth = scenes(8)
    views = view(jnp.linspace(0.2, 1, 8))
    result = np.asarray(SENSED(depth, views, camera("centimetres")))
    seen = result > 0
    assert (result[seen] >= 5000).all() and (result[seen] <= 13000).all() and 0.3 < seen.mean() < 0.9
    others = views._replace(key_data=views.key_data[::-1])
    assert (result != SENSED(depth, others, camera("centimetres"))).mean() > 0.3
    np.testing.assert_array_equal(SENSED(depth, views, camera("centimetres")), result)
    alone = SENSED(depth[5:6], jax.tree.map(lambda leaf: leaf[5:6], views), camera("centimetres"))
    np.testing.assert_array_equal(alone[0], result[5])
