"""Contact sensors say with what force a finger pushes the object."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex import scene
from mjxdex.config import AdrConfig
from mjxdex.physics import PhysicsState, Worlds, nominal
from mjxdex.robot import kinematics
from mjxdex.robot.tables import FINGERS, HAND_POINTS, RESET_POS
from tests.physics.conftest import engine
from tests.physics.test_world_params import BOX, GRAVITY

NUM_ENVS = 5
"""The cube is in the way of each fingertip, a few mm deep, and far from all of them."""
FAR = 4


@pytest.fixture(scope="module")
def start():
    tips = np.asarray(kinematics.hand_points(jnp.asarray(RESET_POS, jnp.float32)))
    qpos = np.tile(
        np.concatenate([RESET_POS, [-0.55, 0.1, scene.TABLE_TOP + 0.2, 1, 0, 0, 0]]), (NUM_ENVS, 1)
    )
    for i, finger in enumerate(FINGERS):
        qpos[i, 23:26] = tips[HAND_POINTS.index(f"{finger}_biotac_tip")] - [0, 0, 0.014]
    zeros = jnp.zeros((NUM_ENVS, 29))
    return PhysicsState(jnp.asarray(qpos, jnp.float32), zeros, zeros)


@pytest.mark.parametrize("name", ["warp", "c"])
def test_each_finger_feels_what_moves_the_object(name, primitives, start):
    """After one physics step: force = mass times (acceleration less gravity)."""
    config = engine(name)
    physics = dataclasses.replace(config.physics, substeps=1)
    config = dataclasses.replace(config, adr=AdrConfig(grip_weight=(0.5, 0)), physics=physics)
    worlds = Worlds(config, scene.build(config, primitives), primitives, NUM_ENVS)
    ctrl = jnp.tile(jnp.asarray(RESET_POS, jnp.float32), (NUM_ENVS, 1))
    params = nominal(jnp.full(NUM_ENVS, BOX))
    state, reading = jax.jit(worlds.step)(start, ctrl, params, jnp.zeros((NUM_ENVS, 6)))
    acceleration = np.asarray(state.qvel)[:, 23:26] / physics.timestep
    force = primitives.mass[BOX] * (acceleration + [0, 0, GRAVITY])
    expected = np.zeros((NUM_ENVS, len(FINGERS), 3))
    expected[range(FAR), range(FAR)] = force[:FAR]
    assert (np.linalg.norm(force[:FAR], axis=1) > 0.02).all()
    np.testing.assert_allclose(np.asarray(reading.grip), expected, atol=1e-3)
