"""Contact sensors say with what force a finger pushes the object."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex import scene
from mjxdex.config import AdrConfig
from mjxdex.physics import Worlds, nominal
from mjxdex.robot import kinematics
from mjxdex.robot.tables import FINGERS, HAND_POINTS
from tests.physics.conftest import engine
from tests.physics.test_world_params import BOX, GRAVITY, NUM_ENVS, run, start

FAR = len(FINGERS)
"""Envs before this one have the cube in the way of a fingertip, a few mm deep; the others far from all."""


@pytest.mark.parametrize("name", ["warp", "c"])
def test_each_finger_feels_what_moves_the_object(name, primitives):
    """After one physics step: force = mass times (acceleration less gravity)."""
    config = engine(name)
    physics = dataclasses.replace(config.physics, substeps=1)
    config = dataclasses.replace(config, adr=AdrConfig(grip_weight=(0.5, 0)), physics=physics)
    worlds = Worlds(config, scene.build(config, primitives), primitives, NUM_ENVS)
    touching = start(0.18)
    tips = kinematics.hand_points(touching.qpos[0, :23])
    for i, finger in enumerate(FINGERS):
        place = tips[HAND_POINTS.index(f"{finger}_biotac_tip")] - jnp.array([0, 0, 0.014])
        touching = touching._replace(qpos=touching.qpos.at[i, 23:26].set(place))
    state, reading = run(jax.jit(worlds.step), touching, 1, nominal(jnp.full(NUM_ENVS, BOX)))
    acceleration = np.asarray(state.qvel)[:, 23:26] / physics.timestep
    force = primitives.mass[BOX] * (acceleration + [0, 0, GRAVITY])
    expected = np.zeros((NUM_ENVS, len(FINGERS), 3))
    expected[range(FAR), range(FAR)] = force[:FAR]
    assert (np.linalg.norm(force[:FAR], axis=1) > 0.02).all()
    np.testing.assert_allclose(np.asarray(reading.grip), expected, atol=1e-3)
