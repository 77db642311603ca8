import dataclasses

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from mujoco import mjx

from mjxdex import scene
from mjxdex.config import Config
from mjxdex.physics import PhysicsState, Worlds, nominal
from mjxdex.physics.world_params import WorldModel
from mjxdex.physics.worlds import RESERVE
from mjxdex.robot.tables import RESET_POS

NUM_ENVS = 12
CONFIG = Config()
DROP_HEIGHT = 0.3


@pytest.fixture(scope="module")
def whole(primitives, model):
    """The same physics with the whole tree of `mjx.Data` and a batched `mjx.Model`: step, and first data."""
    mjx_model = mjx.put_model(model, impl="warp")
    fill_in = WorldModel(model, primitives)

    def two_steps(model, data, params):
        model = model.replace(**fill_in(params))
        return mjx.step(model, mjx.step(model, data))

    def make_data(state: PhysicsState) -> mjx.Data:
        physics = CONFIG.physics
        budget = physics.contacts_per_env * NUM_ENVS + RESERVE
        blank = mjx.make_data(model, impl="warp", naconmax=budget, njmax=physics.constraints_per_env)
        fill = jax.vmap(lambda qpos, qvel, ctrl: blank.replace(qpos=qpos, qvel=qvel, ctrl=ctrl))
        return fill(state.qpos, state.qvel, CTRL)

    whole_step = jax.jit(jax.vmap(two_steps, (None, 0, 0)))
    return lambda data: whole_step(mjx_model, data, PARAMS), make_data


def start(object_pos, object_quat=(1.0, 0.0, 0.0, 0.0), object_vel=(0.0,) * 6) -> PhysicsState:
    """The robot at its reset pose; every world holds object (its index) at the same pose, or at its own."""
    rows = [
        np.broadcast_to(np.asarray(part, np.float32), (NUM_ENVS, np.shape(part)[-1]))
        for part in (RESET_POS, object_pos, object_quat, np.zeros(23), object_vel)
    ]
    qpos, qvel = np.concatenate(rows[:3], axis=1), np.concatenate(rows[3:], axis=1)
    return PhysicsState(jnp.asarray(qpos), jnp.asarray(qvel), jnp.zeros((NUM_ENVS, 29), jnp.float32))


CTRL = jnp.tile(jnp.asarray(RESET_POS, jnp.float32), (NUM_ENVS, 1))
PARAMS = nominal(jnp.arange(NUM_ENVS))
NO_PUSH = jnp.zeros((NUM_ENVS, 6))


def run_alone(primitives, k, state: PhysicsState, control_steps: int) -> mujoco.MjData:
    """World k of `state` in MuJoCo C, with object k compiled by itself."""
    alone = scene.build(CONFIG, primitives, object_id=k)
    data = mujoco.MjData(alone)
    data.qpos[:], data.qvel[:], data.ctrl[:] = state.qpos[k], state.qvel[k], RESET_POS
    for _ in range(control_steps * CONFIG.physics.substeps):
        mujoco.mj_step(alone, data)
    return data


def test_every_object_lands_like_the_same_object_alone_in_mujoco(primitives, any_step):
    """Dropped from 0.3 m and left for 1 s. At rest the size and the depth to which an object sinks in
    (0.1 mm, from its mass and inverse weights) set its height. Cylinders keep rocking by 0.1 mm."""
    state = initial = start((-0.55, 0.1, scene.TABLE_TOP + DROP_HEIGHT))
    for _ in range(60):
        state, reading = any_step(state, CTRL, PARAMS, NO_PUSH)
        assert not reading.contact_overflow.any() and not reading.constraint_overflow.any()
    for k, name in enumerate(primitives.names):
        expected = run_alone(primitives, k, initial, 60)
        sideways, turned, speed = (1e-6, 1e-6, 1e-5) if "cuboid" in name else (1e-3, 3e-3, 0.05)
        assert expected.ncon == 4
        np.testing.assert_allclose(state.qpos[k, 25], expected.qpos[25], atol=3e-6, err_msg=name)
        np.testing.assert_allclose(state.qpos[k, 23:25], expected.qpos[23:25], atol=sideways, err_msg=name)
        np.testing.assert_allclose(state.qpos[k, 26:], expected.qpos[26:], atol=turned, err_msg=name)
        np.testing.assert_allclose(state.qvel[k], expected.qvel, atol=speed, err_msg=name)


def test_every_object_tumbles_like_the_same_object_alone_in_mujoco(primitives, any_step):
    """In free flight only the inertia tensor decides how an object tumbles."""
    state = initial = start((-0.5, 0.1, 2.0), (0.8, 0.36, 0.48, 0.0), (0.3, -0.2, 1.0, 7.0, 11.0, -13.0))
    for _ in range(20):
        state, _ = any_step(state, CTRL, PARAMS, NO_PUSH)
    for k, name in enumerate(primitives.names):
        expected = run_alone(primitives, k, initial, 20)
        np.testing.assert_allclose(state.qpos[k, 23:], expected.qpos[23:], atol=5e-6, err_msg=name)
        np.testing.assert_allclose(state.qvel[k, 23:], expected.qvel[23:], atol=1e-4, err_msg=name)


def test_small_state_steps_like_the_whole_data(whole, step):
    """Carrying `mjx.Data` and a batched `mjx.Model` through the steps gives the same bits."""
    whole_step, make_data = whole
    heights = scene.TABLE_TOP + 0.1 * np.arange(NUM_ENVS) / NUM_ENVS
    state = start(np.stack([(-0.55, 0.1, z) for z in heights]))
    data = make_data(state)
    for _ in range(8):
        state, reading = step(state, CTRL, PARAMS, NO_PUSH)
        data = whole_step(data)
        np.testing.assert_array_equal(state.qpos, data.qpos)
        np.testing.assert_array_equal(state.qvel, data.qvel)
        np.testing.assert_array_equal(state.qacc_warmstart, data.qacc_warmstart)
        np.testing.assert_array_equal(reading.torque, data.qfrc_actuator[:, :23])


def test_unused_slots_touch_nothing(whole, model, primitives):
    """Objects whose middle, where unused slots hide, is deep inside the table."""
    whole_step, make_data = whole
    data = whole_step(make_data(start((-0.55, 0.1, scene.TABLE_TOP - 0.012))))
    count = int(data._impl.nacon[0])
    worlds = np.asarray(data._impl.contact__worldid)[:count]
    geoms = np.asarray(data._impl.contact__geom)[:count].max(axis=1)
    slots = [model.geom(f"object_{i}").id for i in range(len(primitives.slot_types))]
    for k in range(NUM_ENVS):
        used = slots[primitives.slot_types.index(primitives.shapes[k].parts[0].type)]
        assert set(geoms[worlds == k]) == {used}


def test_a_pmapped_scan_gives_the_same_bits(primitives, model, any_engine, any_step):
    """Two devices with different worlds, against one after the other."""
    worlds = Worlds(any_engine, model, primitives, NUM_ENVS)
    starts = [start((-0.55, 0.1, scene.TABLE_TOP + height)) for height in (0.05, 0.1)]

    def five(state, params):
        return jax.lax.scan(lambda s, _: worlds.step(s, CTRL, params, NO_PUSH), state, None, length=5)

    params = [nominal(ids) for ids in (PARAMS.object_id, PARAMS.object_id[::-1])]
    stacked = [jax.tree.map(lambda *x: jnp.stack(x), *pair) for pair in (starts, params)]
    together = jax.pmap(five, devices=jax.devices()[:2])(*stacked)
    for device, state in enumerate(starts):
        for i in range(5):
            state, reading = any_step(state, CTRL, params[device], NO_PUSH)
            for expected, actual in zip(*map(jax.tree.leaves, (reading, together[1])), strict=True):
                np.testing.assert_array_equal(actual[device, i], expected)
        for expected, actual in zip(state, together[0], strict=True):
            np.testing.assert_array_equal(actual[device], expected)


def test_torque_is_that_of_the_servos(any_step):
    state = start((-0.55, 0.1, 0.6))
    torque = any_step(state, CTRL.at[:, 0].add(0.1).at[:, 8].add(1.0), PARAMS, NO_PUSH)[1].torque
    # Joint 0 has moved a little in the first substep; a finger a radian away pulls with all its force.
    assert (torque[:, 0] > 5).all() and (torque[:, 0] < 30).all()
    np.testing.assert_allclose(torque[:, 8], 0.5)


def test_too_small_a_budget_is_reported(primitives, model):
    tight = dataclasses.replace(CONFIG, physics=dataclasses.replace(CONFIG.physics, constraints_per_env=4))
    step = jax.jit(Worlds(tight, model, primitives, NUM_ENVS).step)
    resting = [scene.TABLE_TOP + size[:, 2].max() for size in primitives.geom["geom_size"]]
    pos = np.stack([(-0.55, 0.1, 0.9)] * NUM_ENVS)
    pos[0] = (-0.55, 0.1, resting[0])
    _, reading = step(start(pos), CTRL, PARAMS, NO_PUSH)
    assert reading.constraint_overflow.tolist() == [True] + [False] * (NUM_ENVS - 1)
    assert not reading.contact_overflow.any()
