"""Outcome, endings and resets of the task, with physics that does as it is told."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex import objects
from mjxdex.config import Config, EnvConfig
from mjxdex.physics import PhysicsState, Reading, WorldParams
from mjxdex.task import observations
from mjxdex.task.env import Command, GraspEnv

NUM_ENVS = 7
AT_GOAL, FALLEN, OUT_OF_REACH, BROKEN, TOO_FAST, OLD, HELD = range(NUM_ENVS)


class Scripted:
    """Physics that puts every env into one situation."""

    def step(self, state: PhysicsState, ctrl: jax.Array, params: WorldParams, wrench: jax.Array):
        place = jnp.arange(23, 26)
        qpos = state.qpos
        for env in (AT_GOAL, HELD):
            qpos = qpos.at[env, place].set(jnp.array([-0.5, 0.05, 0.70]))
        qpos = qpos.at[FALLEN, 25].set(0.19).at[OUT_OF_REACH, 24].set(0.51).at[BROKEN, 3].set(jnp.nan)
        qvel = state.qvel.at[TOO_FAST, 5].set(1e4)
        old = jnp.arange(NUM_ENVS) == OLD
        reading = Reading(jnp.full((NUM_ENVS, 23), 0.25), jnp.full((NUM_ENVS, 5, 3), 2.0), old, ~old)
        return PhysicsState(qpos, qvel, state.qacc_warmstart), reading


@pytest.fixture(scope="module")
def stepped():
    config = Config(env=EnvConfig(num_envs=8, spread_first_episodes=False, success_timeout_s=2.0))
    env = GraspEnv(config, Scripted(), objects.load("primitives"))  # pyright: ignore[reportArgumentType]
    before = env.init(jnp.arange(NUM_ENVS, dtype=jnp.int32))
    before = before._replace(
        age=jnp.full(NUM_ENVS, 5).at[OLD].set(599),
        held=jnp.full(NUM_ENVS, 118).at[HELD].set(119),
    )
    command = Command(jnp.full((NUM_ENVS, 11), 3.0), jnp.int32(0))
    return env, before, *jax.jit(env.step)(before, command)


def test_what_ends_an_episode(stepped):
    outcome = stepped[4]
    np.testing.assert_array_equal(outcome.terminated, [False, True, True, True, True, False, False])
    np.testing.assert_array_equal(outcome.truncated, [False] * 5 + [True] * 2)
    np.testing.assert_array_equal(outcome.success, [True] + [False] * 5 + [True])
    np.testing.assert_array_equal(outcome.info["sim/diverged"], [0, 0, 0, 1, 1, 0, 0])
    np.testing.assert_array_equal(outcome.info["sim/contact_overflow"], [0, 0, 0, 0, 0, 1, 0])
    np.testing.assert_array_equal(outcome.info["sim/constraint_overflow"], [1, 1, 1, 1, 1, 0, 1])


def test_a_diverged_env_poisons_nothing(stepped):
    for leaf in jax.tree.leaves(stepped[2:]):
        assert np.isfinite(np.asarray(leaf, np.float32)).all()


def test_ended_episodes_start_anew_and_others_go_on(stepped):
    _, before, after, _, _ = stepped
    np.testing.assert_array_equal(after.age, [6, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(after.episode, [0, 1, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(after.held, [119, 0, 0, 0, 0, 0, 0])
    starts = np.asarray(before.physics.qpos)
    np.testing.assert_array_equal(np.asarray(after.physics.qpos)[1:], starts[1:])
    assert np.asarray(after.physics.qpos)[AT_GOAL, 25] == np.float32(0.70)
    np.testing.assert_array_equal(np.asarray(after.last_action)[:, 0], [1] + [0] * 6)  # clipped, cleared


def test_outcome_is_of_before_and_observation_of_after_the_reset(stepped):
    env, _, _, obs, outcome = stepped
    layout = observations.layout(env.config.observation.critic, 12)
    start = sum(size for _, size in layout[: [name for name, _ in layout].index("object_pos")])
    height = start + 2
    assert outcome.critic_final[FALLEN, height] == np.float32(0.19)
    assert obs.critic[FALLEN, height] == np.float32(0.5)
    assert obs.critic.shape[1] == sum(size for _, size in layout)


def test_policy_sees_no_velocities_and_no_object_by_default(stepped):
    env, _, after, obs, _ = stepped
    layout = observations.layout(env.config.observation.policy, 12)
    offsets = np.cumsum([0, *(size for _, size in layout)])
    parts = {
        name: np.asarray(obs.policy)[:, a:b]
        for (name, _), a, b in zip(layout, offsets, offsets[1:], strict=False)
    }
    assert obs.policy.shape == (NUM_ENVS, 159)
    for name in ("joint_vel", "hand_point_vel", "fabric_vel", "fabric_acc"):
        assert not parts[name].any()
    np.testing.assert_array_equal(parts["joint_pos"], np.asarray(after.physics.qpos)[:, :23])
