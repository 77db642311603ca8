import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.render import cameras
from mjxdex.robot.rotations import matrix_to_euler_zyx

NOMINAL = cameras.nominal(1)
TO_OPTICAL = jnp.array([1.0, -1.0, -1.0])


def euler_deg(rot: jax.Array) -> np.ndarray:
    """Angles about x, y and z of cameras [N, 3, 3] in the optical convention, degrees."""
    return np.rad2deg(jax.jit(jax.vmap(matrix_to_euler_zyx))(rot * TO_OPTICAL))[:, ::-1]


@pytest.fixture(scope="module")
def views():
    keys = jax.random.split(jax.random.key(0), 2000)
    randomized = jax.jit(jax.vmap(cameras.randomized, (0, None, None, None)))
    return randomized(keys, cameras.MAX_ANGLE, cameras.MAX_DISTANCE, cameras.MAX_FOCAL)


def test_nominal_euler_angles_are_the_published_ones():
    np.testing.assert_allclose(euler_deg(NOMINAL.rot), [[-143.286, 81.523, -59.794]], atol=2e-3)


def test_no_randomization_is_the_nominal_camera():
    for leaf, nominal in zip(cameras.randomized(jax.random.key(1), 0.0, 0.0, 0.0), NOMINAL, strict=True):
        np.testing.assert_array_equal(leaf, nominal[0])


def test_ranges_are_full_and_kept(views):
    offsets = {
        3.0: (euler_deg(views.rot) - euler_deg(NOMINAL.rot) + 180) % 360 - 180,
        0.03: views.pos - NOMINAL.pos,
        0.02: views.focal[:, None] / NOMINAL.focal - 1,
    }
    for half, offset in offsets.items():
        assert (np.abs(offset) <= half * 1.001).all()
        np.testing.assert_allclose(np.std(offset, axis=0), half / np.sqrt(3), rtol=0.05)
        np.testing.assert_allclose(np.mean(offset, axis=0), 0, atol=0.05 * half)


def test_rotations_are_rotations(views):
    rot = np.asarray(views.rot)
    np.testing.assert_allclose(rot @ rot.mT, np.broadcast_to(np.eye(3), rot.shape), atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(rot), 1, atol=1e-6)


def test_half_ranges_may_be_traced_and_differ_by_env():
    keys = jax.random.split(jax.random.key(2), 2)
    size = jnp.array([0.0, 1.0])
    views = jax.jit(jax.vmap(cameras.randomized))(keys, 0.05 * size, 0.03 * size, 0.02 * size)
    np.testing.assert_allclose(views.pos[0], NOMINAL.pos[0])
    assert np.abs(views.pos[1] - NOMINAL.pos[0]).max() > 1e-3
