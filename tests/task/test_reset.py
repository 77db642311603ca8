import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import AdrConfig
from mjxdex.robot.tables import LOWER, RESET_POS, UPPER
from mjxdex.task import reset
from mjxdex.task.state import OBJECT_QPOS, rotate

KEY = jax.random.key(0)
NUM_OBJECTS = 12


def fresh(env_id, episode, key, level):
    return jax.jit(lambda *args: reset.fresh(AdrConfig(), NUM_OBJECTS, *args))(env_id, episode, key, level)


def test_level_zero_is_the_published_start():
    state = fresh(jnp.arange(3), jnp.zeros(3, jnp.int32), KEY, jnp.int32(0))
    expected = np.concatenate([RESET_POS, [-0.55, 0.1, 0.5, 1, 0, 0, 0]])
    np.testing.assert_allclose(state.physics.qpos, np.tile(expected, (3, 1)), atol=1e-6)
    assert not np.any(state.physics.qvel)
    np.testing.assert_array_equal(state.fabric.pos, state.physics.qpos[:, :23])


def test_full_level_spreads_over_its_ranges_and_stays_inside():
    count = 4000
    state = fresh(jnp.arange(count), jnp.zeros(count, jnp.int32), KEY, jnp.int32(50))
    pos = np.asarray(state.physics.qpos[:, OBJECT_QPOS][:, :3])
    np.testing.assert_allclose(pos.min(0), [-0.80, -0.30, 0.5], atol=0.01)
    np.testing.assert_allclose(pos.max(0), [-0.30, 0.50, 0.5], atol=0.01)
    quat = np.asarray(state.physics.qpos[:, OBJECT_QPOS][:, 3:])
    np.testing.assert_allclose(np.linalg.norm(quat, axis=1), 1, atol=1e-5)
    up = np.asarray(rotate(jnp.asarray(quat), jnp.tile(jnp.array([0.0, 0, 1]), (count, 1))))[:, 2]
    assert up.min() < -0.95 and up.max() > 0.95  # every side comes to lie on top
    joints = np.asarray(state.physics.qpos[:, :23])
    assert (joints >= np.asarray(LOWER, np.float32)).all() and (joints <= np.asarray(UPPER, np.float32)).all()
    spread = np.abs(joints - RESET_POS).max(0)
    assert (spread[:7] > 0.34).all() and (spread <= 0.35 + 1e-5).all()


def test_an_episode_does_not_depend_on_the_split_of_the_envs():
    ids, episodes = jnp.arange(6), jnp.array([0, 3, 1, 0, 2, 5])
    whole = fresh(ids, episodes, KEY, jnp.int32(30))
    part = fresh(ids[3:], episodes[3:], KEY, jnp.int32(30))
    np.testing.assert_array_equal(whole.physics.qpos[3:], part.physics.qpos)
    again = fresh(ids, episodes + 1, KEY, jnp.int32(30))
    assert not np.array_equal(whole.physics.qpos, again.physics.qpos)


def test_rotation_by_a_quaternion():
    half = np.sqrt(0.5)
    turned = rotate(jnp.array([[half, 0, 0, half]]), jnp.array([[1.0, 0, 0]]))  # 90 degrees about z
    np.testing.assert_allclose(turned, [[0, 1, 0]], atol=1e-6)
