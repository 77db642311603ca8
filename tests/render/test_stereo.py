import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex import scene
from mjxdex.config_rgb import RgbConfig
from mjxdex.render import cameras, stereo
from mjxdex.robot.rotations import matrix_to_euler_zyx

WIDTH, HEIGHT = 160, 120
NOMINAL = jax.tree.map(np.asarray, stereo.nominal(1))
FLIP = np.array([1.0, -1.0, -1.0])


def pixels(pair: cameras.Cameras, points: np.ndarray, eye: int) -> np.ndarray:
    """Column, row and planar depth [..., 3] at which a camera of env 0 sees points [..., 3] of the world."""
    rot, pos, focal = np.asarray(pair.rot[0, eye]), np.asarray(pair.pos[0, eye]), float(pair.focal[0, eye])
    x, y, z = np.moveaxis((points - pos) @ rot * FLIP, -1, 0)
    return np.stack((WIDTH * (0.5 + focal * x / z), HEIGHT / 2 + WIDTH * focal * y / z, z), axis=-1)


@pytest.fixture(scope="module")
def pairs():
    keys = jax.random.split(jax.random.key(0), 2000)
    randomized = jax.jit(jax.vmap(lambda key: stereo.randomized(key, RgbConfig())))
    return jax.tree.map(np.asarray, randomized(keys))


def relative(pairs: cameras.Cameras) -> tuple[np.ndarray, np.ndarray]:
    """Rotation [N, 3, 3] and position [N, 3] of the right camera in the left one's optical frame."""
    rot, pos = np.asarray(pairs.rot) * FLIP, np.asarray(pairs.pos)
    left, right = rot[:, stereo.LEFT], rot[:, stereo.RIGHT]
    offset = pos[:, stereo.RIGHT] - pos[:, stereo.LEFT]
    return left.mT @ right, np.einsum("nji,nj->ni", left, offset)


def test_nominal_pair_is_the_published_one():
    np.testing.assert_array_equal(NOMINAL.pos[:, stereo.LEFT], cameras.nominal(1).pos)
    np.testing.assert_allclose(NOMINAL.pos[0, stereo.RIGHT], (-0.65742, -0.70361, 0.57785), atol=1e-5)
    rot, pos = relative(NOMINAL)
    np.testing.assert_allclose(rot[0], np.diag([-1, -1, 1]), atol=1e-6)
    np.testing.assert_allclose(pos[0], scene.PAIR_OFFSET, atol=1e-6)
    np.testing.assert_allclose(stereo.BASELINE, 0.0898, atol=5e-5)


def test_upright_flips_the_right_image_in_both_axes():
    images = np.arange(2 * 2 * 2 * 3 * 3, dtype=np.uint8).reshape(2, 2, 2, 3, 3)
    found = np.asarray(stereo.upright(jnp.asarray(images)))
    np.testing.assert_array_equal(found[:, stereo.LEFT], images[:, stereo.LEFT])
    np.testing.assert_array_equal(found[1, stereo.RIGHT, 0, 0], images[1, stereo.RIGHT, 1, 2])
    np.testing.assert_array_equal(found[1, stereo.RIGHT, 1, 0], images[1, stereo.RIGHT, 0, 2])


def test_disparity_is_focal_times_offset_over_depth():
    """Of the upright pair: 13.0 columns and -12.4 rows at 0.9 m in images 160 wide."""
    points = np.random.default_rng(0).uniform((-0.8, 0.0, 0.25), (-0.4, 0.3, 0.6), (50, 3))
    left, right = (pixels(NOMINAL, points, eye) for eye in (stereo.LEFT, stereo.RIGHT))
    upright = (WIDTH, HEIGHT) - right[:, :2]
    np.testing.assert_allclose(left[:, 2], right[:, 2], rtol=1e-5)
    disparity = left[:, :2] - upright
    np.testing.assert_allclose(disparity, 179.5625 / left[:, 2:] * np.array(scene.PAIR_OFFSET[:2]), atol=2e-3)
    np.testing.assert_allclose(
        np.linalg.norm(disparity, axis=1), 179.5625 * stereo.BASELINE / left[:, 2], atol=2e-3
    )


def test_the_images_right_is_down_in_the_world():
    above = pixels(NOMINAL, np.array([[-0.55, 0.1, 0.5], [-0.55, 0.1, 0.4]]), stereo.LEFT)
    assert above[1, 0] - above[0, 0] > 15


def test_the_left_camera_moves_like_a_depth_camera(pairs):
    offset = pairs.pos[:, stereo.LEFT] - NOMINAL.pos[:, stereo.LEFT]
    assert np.abs(offset).max() <= 0.03001
    np.testing.assert_allclose(offset.std(axis=0), 0.03 / np.sqrt(3), rtol=0.05)
    np.testing.assert_array_equal(pairs.focal[:, stereo.LEFT], pairs.focal[:, stereo.RIGHT])
    assert 0.0195 < np.abs(pairs.focal / NOMINAL.focal - 1).max() < 0.02001


def test_ranges_of_the_right_camera_are_full_and_kept(pairs):
    rot, pos = relative(pairs)
    euler = np.rad2deg(jax.jit(jax.vmap(matrix_to_euler_zyx))(jnp.asarray(rot)))
    euler[:, 0] -= 180 * np.sign(euler[:, 0])
    for half, offset in ((2.0, euler), (0.003, pos - scene.PAIR_OFFSET)):
        assert np.abs(offset).max() <= half * 1.002
        np.testing.assert_allclose(offset.std(axis=0), half / np.sqrt(3), rtol=0.05)
        np.testing.assert_allclose(offset.mean(axis=0), 0, atol=0.06 * half)
    np.testing.assert_allclose(np.linalg.det(pairs.rot), 1, atol=1e-5)


def test_no_range_is_the_nominal_pair():
    still = RgbConfig(base_angle_deg=0, base_distance=0, focal=0, pair_angle_deg=0, pair_distance=0)
    found = stereo.randomized(jax.random.key(1), still)
    for leaf, nominal in zip(found, NOMINAL, strict=True):
        np.testing.assert_allclose(leaf, nominal[0], atol=1e-6)
