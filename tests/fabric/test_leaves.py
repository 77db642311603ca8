import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.fabric import leaves
from mjxdex.robot import kinematics, tables
from mjxdex.robot.rotations import euler_zyx_to_matrix

POINTS = 0.25 * np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])


def test_palm_leaf_equals_its_seven_points_differentiated():
    """The closed forms against the 21 rows, J by jacfwd and Jdot qd by a second jvp."""
    tolerance = 1e-10 if jnp.ones(()).dtype == jnp.float64 else 1e-3
    target_pos, target_rot = jnp.array([-0.5, 0.1, 0.6]), euler_zyx_to_matrix(jnp.array([-2.0, 0.3, 2.8]))

    def points(q):
        pos, rot = kinematics.palm_pose(q)
        return (pos + POINTS @ rot.T).ravel()

    rng = np.random.default_rng(1)
    pos = jnp.asarray(rng.uniform(tables.LOWER, tables.UPPER))
    vel = jnp.asarray(rng.normal(size=23))
    jacobian = jax.jacfwd(points)(pos)
    _, bias = jax.jvp(lambda q: jax.jvp(points, (q,), (vel,))[1], (pos,), (vel,))
    error = points(pos) - (target_pos + POINTS @ target_rot.T).ravel()
    distance = jnp.linalg.norm(error)
    wanted = -50 * jnp.tanh(40 * distance) * error / distance
    wanted -= 50 * (0.5 * jnp.tanh(-10 * (distance - 0.2)) + 0.5) * (jacobian @ vel)

    leaf = leaves.palm_pose(pos, vel, target_pos, target_rot)
    np.testing.assert_allclose(leaf.metric, jacobian.T @ jacobian, atol=tolerance)
    np.testing.assert_allclose(leaf.potential, -jacobian.T @ wanted, atol=tolerance)
    np.testing.assert_allclose(leaf.curvature, jacobian.T @ bias, atol=tolerance)
    assert not leaf.geometric.any()


def test_joint_limits_act_only_on_approach_or_violation():
    pos = jnp.asarray(0.5 * (tables.LOWER + tables.UPPER))
    resting = leaves.joint_limits(pos, 0 * pos)
    assert not resting.metric.any() and not resting.potential.any()

    beyond = leaves.joint_limits(pos.at[0].set(tables.UPPER[0] + 0.01), 0 * pos)
    np.testing.assert_allclose(beyond.metric[0, 0], 100.0, rtol=1e-6)
    np.testing.assert_allclose(beyond.potential[0], 800.0, rtol=1e-6)  # M qdd + f = 0 pushes back down

    # 0.3 rad below the upper limit, approaching at 0.5 rad/s: metric 0.5, acceleration -(8 + 8 * 0.5).
    approaching = jnp.zeros(23).at[3].set(0.5)
    near = leaves.joint_limits(pos.at[3].set(tables.UPPER[3] - 0.3), approaching)
    np.testing.assert_allclose(near.metric[3, 3], 0.5, rtol=1e-5)
    np.testing.assert_allclose(near.potential[3], 0.5 * 12.0, rtol=1e-5)


def test_posture_is_geometric():
    """Twice the velocity, four times the force; none at rest."""
    pos, vel = jnp.asarray(tables.RESET_POS), jnp.ones(23)
    force = leaves.posture(pos, vel).geometric
    np.testing.assert_allclose(leaves.posture(pos, 2 * vel).geometric, 4 * force, rtol=1e-6)
    assert not leaves.posture(pos, 0 * vel).geometric.any()
    assert float(force @ (pos - leaves.NOMINAL_POS)) > 0


def test_hand_leaf_pulls_towards_its_target():
    pos, zero = jnp.asarray(tables.RESET_POS), jnp.zeros(23)
    leaf = leaves.hand_synergies(pos, zero, jnp.array([2.0, 0.5, 0.0, 0.3, -0.2]))
    assert not leaf.potential[:7].any()
    # Far away the pull saturates: metric 8 times gain 50, as long as the rows are orthonormal.
    np.testing.assert_allclose(jnp.linalg.norm(leaf.potential), 400.0, rtol=1e-4)
