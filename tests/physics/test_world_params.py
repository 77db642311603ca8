"""Every parameter of a world does to it what its name says."""

import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex import scene
from mjxdex.physics import PhysicsState, nominal
from mjxdex.robot.tables import KD, KP, RESET_POS

NUM_ENVS = 12
BOX = 10
"""small_8_cuboid, a cube of 40 mm."""
GRAVITY = 9.81
CTRL = jnp.tile(jnp.asarray(RESET_POS, jnp.float32), (NUM_ENVS, 1))
NO_PUSH = jnp.zeros((NUM_ENVS, 6))


@pytest.fixture(scope="module")
def params(primitives):
    assert primitives.names[BOX] == "small_8_cuboid"
    return nominal(jnp.full(NUM_ENVS, BOX))


def start(height: float, object_vel=(0.0,) * 6) -> PhysicsState:
    """All worlds alike: the robot at rest in its reset pose, the cube `height` above the table."""
    pose = [-0.55, 0.1, scene.TABLE_TOP + 0.02 + height, 1, 0, 0, 0]
    row = np.concatenate([RESET_POS, pose])
    vel = np.concatenate([np.zeros(23), object_vel])
    zeros = jnp.zeros((NUM_ENVS, 29))
    return PhysicsState(jnp.tile(jnp.float32(row), (NUM_ENVS, 1)), zeros + jnp.float32(vel), zeros)


def ramp(low: float, high: float) -> jnp.ndarray:
    return jnp.linspace(low, high, NUM_ENVS)


def run(step, state, steps, params, ctrl=CTRL, push=NO_PUSH):
    for _ in range(steps):
        state, reading = step(state, ctrl, params, push)
    return state, reading


def test_a_push_moves_by_force_over_mass_and_turns_by_torque_over_inertia(step, params, primitives):
    scale = ramp(0.5, 3.0)
    push = jnp.tile(jnp.array([0.1, 0, 0, 0, 0, 1e-4]), (NUM_ENVS, 1))
    state, _ = run(step, start(0.2), 6, params._replace(object_mass=scale), push=push)
    seconds, mass = 6 / 60, primitives.mass[BOX] * scale
    np.testing.assert_allclose(state.qvel[:, 23], 0.1 / mass * seconds, rtol=1e-4)
    np.testing.assert_allclose(state.qvel[:, 25], -GRAVITY * seconds, rtol=1e-4)
    inertia = primitives.body["body_inertia"][BOX, 2] * scale
    np.testing.assert_allclose(state.qvel[:, 28], 1e-4 / inertia * seconds, rtol=1e-3)


def test_a_heavy_cube_sinks_in_like_a_light_one(step, params):
    """Contacts scale with the inverse weights, so these have to follow the mass."""
    state, _ = run(step, start(0.0), 40, params._replace(object_mass=ramp(0.5, 3.0)))
    np.testing.assert_allclose(state.qpos[:, 25], state.qpos[0, 25], atol=2e-6)


def test_a_cube_slides_where_the_push_exceeds_the_mean_friction(step, params, primitives):
    """Pushed by 0.85 of its weight; half of the envs have more friction than that, half have less."""
    friction = ramp(0.4, 1.1)
    settled, _ = run(step, start(0.0), 20, params)
    push = NO_PUSH.at[:, 0].set(0.85 * GRAVITY * primitives.mass[BOX])
    state, _ = run(step, settled, 20, params._replace(object_friction=friction), push=push)
    slid = np.asarray(state.qpos[:, 23] - settled.qpos[:, 23]) > 0.005
    np.testing.assert_array_equal(slid, 0.5 * (friction + 1) < 0.85)


def test_friction_of_the_robot_counts_where_it_touches(model, primitives):
    """Read off the model: the friction of a contact is the larger of its two geoms'."""
    from mjxdex.physics.world_params import WorldModel

    one = nominal(jnp.int32(BOX))._replace(object_friction=jnp.float32(0.4), robot_friction=jnp.float32(0.8))
    friction = np.asarray(WorldModel(model, primitives)(one)["geom_friction"])[:, 0]
    assert friction[model.geom("object_0").id] < 1e-4
    assert friction[model.geom("index_link_3_0").id] == pytest.approx(0.6)
    assert friction[model.geom("table").id] == pytest.approx(0.7)


def test_less_contact_damping_bounces_higher(step, params):
    state, heights = start(0.2), []
    for _ in range(40):
        state, _ = run(step, state, 1, params._replace(object_damping=ramp(0.1, 1.0)))
        heights.append(np.asarray(state.qpos[:, 25]))
    heights = np.stack(heights) - scene.TABLE_TOP - 0.02
    landed = heights[:16].argmin(axis=0)
    rebound = np.array([heights[landed[i] :, i].max() for i in range(NUM_ENVS)])
    assert rebound[0] > 1e-3 and (np.diff(rebound[:3]) < 0).all() and (rebound[4:] < 1e-4).all()


def test_servo_gains_and_dry_friction(step, params):
    """One physics step after a jump of the targets: torque = kp error - kd velocity, joint by joint."""
    joints, error = np.array([0, 5]), 0.05
    scale = jnp.tile(ramp(0.5, 2.0)[:, None], (1, 23))
    jump = CTRL.at[:, joints].add(error)
    _, reading = run(step, start(0.2), 1, params._replace(stiffness=scale), jump)
    stiff = np.asarray(reading.torque)[:, joints] / KP[joints] / error
    assert (np.diff(stiff, axis=0) > 0).all()
    assert (stiff[-1] / stiff[0] > 3.5).all()  # 4, less what the joint has moved in the first substep

    moving = start(0.2)
    moving = moving._replace(qvel=moving.qvel.at[:, joints].set(0.2))
    _, reading = run(step, moving, 1, params._replace(damping=scale))
    damped = -np.asarray(reading.torque)[:, joints] / KD[joints] / 0.2
    assert (np.diff(damped, axis=0) > 0).all()
    assert (damped[-1] / damped[0] > 2.5).all()  # 4, less what the joint has slowed down

    stuck = params._replace(joint_friction=scale * 8.0)
    pulled, _ = run(step, start(0.2), 30, stuck, CTRL.at[:, 0].add(0.02))
    moved = np.asarray(pulled.qpos[:, 0]) - RESET_POS[0]
    assert moved[0] > 0.004  # 6 N m against 4 of friction
    np.testing.assert_allclose(moved[5:], 0, atol=5e-4)  # against 8 and more


def test_force_sensors_feel_the_weight_of_what_they_hold(step, params):
    """At rest, without gravity compensation: the hand and its last arm link weigh on the wrist."""
    _, reading = run(step, start(0.2), 30, params)
    force = np.linalg.norm(np.asarray(reading.force), axis=2)
    assert reading.force.shape == (NUM_ENVS, 5, 3)
    # link_7, mount, palm and fingers; each BioTac tip with its link_3.
    weights = GRAVITY * np.array([3.129 + 2.1754, 0.15, 0.2, 0.2, 0.2])
    np.testing.assert_allclose(force, np.tile(weights, (NUM_ENVS, 1)), rtol=0.05)
