"""Forward kinematics against published check values and against MuJoCo's own, from the same tables."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from mjxdex.robot import kinematics, tables
from mjxdex.robot.mjcf import add_robot
from mjxdex.robot.rotations import euler_zyx_to_matrix, matrix_to_euler_zyx

RESET_POINTS = [
    (-0.54428, -0.13022, 0.85717),
    (-0.65727, -0.24578, 0.77517),
    (-0.69175, -0.21330, 0.80189),
    (-0.72241, -0.17699, 0.82830),
    (-0.62491, -0.10216, 0.77575),
]
ZERO_POINTS = [
    (-0.00822, -0.02063, 1.37286),
    (0.02395, -0.05802, 1.57113),
    (-0.01702, -0.01705, 1.57400),
    (-0.05800, 0.02392, 1.57113),
    (0.14000, -0.13422, 1.33066),
]


@pytest.fixture(scope="module")
def robot() -> tuple[mujoco.MjModel, mujoco.MjData]:
    spec = mujoco.MjSpec()
    add_robot(spec)
    model = spec.compile()
    return model, mujoco.MjData(model)


@pytest.mark.parametrize(
    ("pos", "points"), [(tables.RESET_POS, RESET_POINTS), (np.zeros(23), ZERO_POINTS)], ids=["reset", "zero"]
)
def test_hand_points_at_known_poses(pos, points):
    np.testing.assert_allclose(kinematics.hand_points(jnp.asarray(pos)), points, atol=6e-6)


@pytest.mark.parametrize(
    ("second_joint", "pos", "euler"),
    [
        (-0.50, (-0.68680, 0.03202, 0.66854), (-2.38727, -0.08238, 3.13008)),
        (0.0, (-0.54428, -0.13022, 0.85717), (-2.35187, -0.05622, 2.62952)),
    ],
)
def test_palm_pose_at_known_poses(second_joint, pos, euler):
    q = jnp.asarray(tables.RESET_POS).at[1].set(second_joint)
    palm_pos, palm_rot = kinematics.palm_pose(q)
    np.testing.assert_allclose(palm_pos, pos, atol=6e-6)
    np.testing.assert_allclose(matrix_to_euler_zyx(palm_rot), euler, atol=6e-6)
    np.testing.assert_allclose(euler_zyx_to_matrix(jnp.asarray(euler)), palm_rot, atol=1e-5)


def test_everything_agrees_with_mujoco(robot):
    model, data = robot
    rng = np.random.default_rng(0)
    pos = rng.uniform(tables.LOWER, tables.UPPER, (8, 23))
    vel = rng.normal(size=(8, 23))
    frames = jax.jit(jax.vmap(kinematics.frames))(pos)
    points, velocities = jax.jit(jax.vmap(kinematics.hand_points_and_velocities))(pos, vel)
    for i in range(8):
        data.qpos, data.qvel = pos[i], vel[i]
        mujoco.mj_forward(model, data)
        for k, joint in enumerate(tables.JOINTS):
            body = data.body(joint.child)
            np.testing.assert_allclose(frames.origin[i, k], body.xpos, atol=2e-6, err_msg=joint.child)
            np.testing.assert_allclose(frames.rotation[i, k], body.xmat.reshape(3, 3), atol=2e-6)
        for k, name in enumerate(tables.HAND_POINTS):
            site, velocity = data.site(name), np.zeros(6)
            mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_SITE, site.id, velocity, 0)
            np.testing.assert_allclose(points[i, k], site.xpos, atol=2e-6, err_msg=name)
            np.testing.assert_allclose(velocities[i, k], velocity[3:], atol=1e-5, err_msg=name)
