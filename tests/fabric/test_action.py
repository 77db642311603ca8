import jax.numpy as jnp
import numpy as np

from mjxdex.fabric.action import targets
from mjxdex.robot import kinematics, tables
from mjxdex.robot.rotations import euler_zyx_to_matrix, matrix_to_euler_zyx


def test_zero_action_holds_the_palm_over_the_table_facing_down():
    pos, euler, pca = targets(jnp.zeros(11), 45.0)
    np.testing.assert_allclose(pos, (-0.6, 0.0, 0.5), atol=1e-6)
    fingers, _, palm_normal = euler_zyx_to_matrix(euler).T
    np.testing.assert_allclose(palm_normal, (0, 0, -1), atol=1e-6)
    np.testing.assert_allclose(fingers, (-(0.5**0.5), -(0.5**0.5), 0), atol=1e-6)
    np.testing.assert_allclose(pca, (2.04055, 1.33695, 0.08695, 0.50255, -0.24515), atol=1e-5)


def test_reset_pose_in_action_units():
    action = jnp.array([0.093, -0.186, 0.714, 0.006, -0.072, -0.652, 0, 0, 0, 0, 0])
    pos, euler, _ = targets(action, 45.0)
    reset_pos, reset_rot = kinematics.palm_pose(jnp.asarray(tables.RESET_POS))
    np.testing.assert_allclose(pos, reset_pos, atol=4e-4)
    np.testing.assert_allclose(euler, matrix_to_euler_zyx(reset_rot), atol=5e-4)


def test_actions_are_clipped_to_the_targets_range():
    pos, euler, pca = targets(jnp.full(11, 7.0), 30.0)
    np.testing.assert_allclose(pos, (0.0, 0.7, 1.0), atol=1e-6)
    np.testing.assert_allclose(np.rad2deg(euler), (-105, 30, 210), atol=1e-4)
    np.testing.assert_allclose(pca, (3.8336, 3.0025, 0.8977, 1.0243, 0.0629), atol=1e-5)
