"""The data that stay on the device between calls hold nothing that a result depends on."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import warp as wp

from mjxdex import scene
from mjxdex.config import Config
from mjxdex.physics import PhysicsState, Worlds, nominal
from mjxdex.robot.tables import RESET_POS

NUM_ENVS = 12
NEVER_WRITTEN = {"qfrc_applied", "xpos", "xquat", "geom_xpos", "geom_xmat"}
"""Data that a step reads and never writes, or not all of it: the poses of what is fixed to the world."""
NO_PUSH = jnp.zeros((NUM_ENVS, 6))


def start(height: float) -> PhysicsState:
    """The objects lie on the table or fall onto it, their middles at `height` above it."""
    row = np.concatenate([RESET_POS, [-0.55, 0.1, scene.TABLE_TOP + height, 1, 0, 0, 0]])
    qpos = jnp.tile(jnp.float32(row), (NUM_ENVS, 1))
    return PhysicsState(qpos, jnp.zeros((NUM_ENVS, 29)), jnp.zeros((NUM_ENVS, 29)))


def targets(step: int) -> jnp.ndarray:
    """The robot swings, and its hand closes."""
    swing = 0.4 * np.sin(step / 4) * np.ones(23)
    return jnp.tile(jnp.float32(RESET_POS + swing), (NUM_ENVS, 1))


def play(step, state, params, steps) -> list[np.ndarray]:
    """Everything that is read, step by step."""
    found = []
    for i in steps:
        state, reading = step(state, targets(i), params, NO_PUSH)
        found += [np.asarray(leaf) for leaf in jax.tree.leaves((state, reading))]
    return found


def poison(worlds: Worlds) -> int:
    """Fills all numbers that a step writes with NaN; returns how many arrays that were."""
    count = 0
    for resident in worlds._stepper._residents.values():
        data = resident.data
        for owner in (data, data.contact, data.efc):
            for field in dataclasses.fields(owner):
                array = getattr(owner, field.name)
                if not isinstance(array, wp.array) or field.name in NEVER_WRITTEN or not array.size:
                    continue
                if array.numpy().dtype.kind == "f":
                    array.fill_(float("nan"))
                    count += 1
    return count


def test_two_rollouts_in_turns_give_what_each_gives_alone(any_step):
    """Other objects, other parameters and other contacts in between do not change a bit."""
    ids = jnp.arange(NUM_ENVS)
    one = nominal(ids)
    other = nominal(ids[::-1])._replace(
        object_mass=jnp.full(NUM_ENVS, 3.0), joint_friction=jnp.ones((NUM_ENVS, 23))
    )
    alone = [play(any_step, start(0.04), one, range(12)), play(any_step, start(0.2), other, range(3, 15))]
    states, found = [start(0.04), start(0.2)], [[], []]
    for i in range(12):
        for k, (params, shift) in enumerate(((one, 0), (other, 3))):
            states[k], reading = any_step(states[k], targets(i + shift), params, NO_PUSH)
            found[k] += [np.asarray(leaf) for leaf in jax.tree.leaves((states[k], reading))]
    for expected, actual in zip(alone, found, strict=True):
        for a, b in zip(expected, actual, strict=True):
            np.testing.assert_array_equal(a, b)


def check_poison(primitives, model, **tolerance):
    worlds = Worlds(Config(), model, primitives, NUM_ENVS)
    step, params = jax.jit(worlds.step), nominal(jnp.arange(NUM_ENVS))
    first = play(step, start(0.02), params, range(2))
    assert poison(worlds) > 50
    for expected, actual in zip(first, play(step, start(0.02), params, range(2)), strict=True):
        np.testing.assert_allclose(actual, expected, **tolerance)


def test_nan_of_an_earlier_call_does_not_spread(primitives, model):
    """A world that diverged starts its next episode like any other."""
    check_poison(primitives, model, rtol=0, atol=0)


@pytest.mark.gpu
def test_nan_of_an_earlier_call_does_not_spread_on_a_gpu(primitives, model):
    """A GPU orders contacts anew in every call, so sums round differently."""
    assert jax.default_backend() == "gpu"
    check_poison(primitives, model, rtol=1e-2, atol=1e-2)


def test_another_number_of_worlds_is_refused(step):
    more = jax.tree.map(lambda leaf: leaf[jnp.arange(13) % NUM_ENVS], start(0.1))
    with pytest.raises(ValueError, match=r"has shape \(13, .*this stepper takes \(12, "):
        step(more, jnp.zeros((13, 23)), nominal(jnp.zeros(13, jnp.int32)), jnp.zeros((13, 6)))
