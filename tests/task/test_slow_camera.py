"""A camera slower than control: what its images show, and that they are a function of the state."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex import objects
from mjxdex.config import CameraConfig, Config, ConfigError, EnvConfig, ObservationConfig
from mjxdex.config_adr import AdrConfig
from mjxdex.runtime.sims import Simulators
from mjxdex.task import sensing
from mjxdex.task.env import Command, GraspEnv
from tests.task.test_env import Scripted

NUM_ENVS, EVERY = 4, 3


class Moving(Scripted):
    """Physics in which the object goes up by 1 mm in every step."""

    def step(self, state, ctrl, params, wrench):
        _, reading = super().step(state, ctrl, params, wrench)
        reading = jax.tree.map(lambda leaf: leaf[:NUM_ENVS], reading)
        return state._replace(qpos=state.qpos.at[:, 25].add(0.001)), reading


@pytest.fixture(scope="module")
def episode():
    """States of 7 control steps; the 5th resets env 0, and env 1 starts between two images."""
    config = Config(
        env=EnvConfig(num_envs=NUM_ENVS, spread_first_episodes=False, episode_length_s=0.3),
        camera=CameraConfig(every=EVERY),
    )
    env = GraspEnv(config, Moving(), objects.load("primitives"))  # pyright: ignore[reportArgumentType]
    state = env.init(jnp.arange(NUM_ENVS, dtype=jnp.int32))
    age = jnp.array([env.episode_steps - 5, 1, 0, 0])
    state = state._replace(age=age, seen=state.seen._replace(age=age))
    step, states = jax.jit(env.step), []
    for _ in range(7):
        state, _, _ = step(state, Command(jnp.zeros((NUM_ENVS, 11)), jnp.int32(0)))
        states.append(state)
    return env, states


def test_images_are_taken_at_multiples_of_the_age(episode):
    for step, state in enumerate(episode[1], start=1):
        height, age = state.seen.qpos[:, 25], np.asarray(state.seen.age)
        taken = np.asarray(state.age) // EVERY * EVERY
        started = np.array([step >= 2, step >= 2, True, True])
        np.testing.assert_array_equal(age[started], taken[started])
        behind = np.asarray(state.physics.qpos[:, 25] - height)
        np.testing.assert_allclose(behind[started], 1e-3 * (state.age - taken)[started], atol=1e-6)
    assert int(episode[1][4].age[0]) == 0  # a new episode starts with an image


def test_the_noise_of_an_image_stays_until_the_next(episode):
    env, states = episode
    keys = np.stack([sensing.depth_view(state, env.key).key_data for state in states])[:, 2]
    ages = [int(state.age[2]) for state in states]
    assert ages == [1, 2, 3, 4, 5, 6, 7]
    same = [(a == b).all() for a, b in zip(keys[:-1], keys[1:], strict=True)]
    assert same == [True, False, True, True, False, True]


def test_policies_without_images_carry_none():
    config = Config(camera=CameraConfig(every=2), observation=ObservationConfig(depth=False))
    env = GraspEnv(config, Scripted(), objects.load("primitives"))  # pyright: ignore[reportArgumentType]
    assert jax.eval_shape(env.init, jnp.arange(2)).seen is None


def test_every_must_be_a_number_of_steps():
    with pytest.raises(ConfigError, match="camera.every is 0; it must be above 0"):
        Config(camera=CameraConfig(every=0))


def test_rendered_images_repeat_and_come_back_from_a_saved_state():
    """In the simulators themselves, noise included: each image is seen twice, and a state that was taken to
    the host and back gives the same bits."""
    config = Config(
        env=EnvConfig(num_envs=NUM_ENVS, spread_first_episodes=False),
        adr=AdrConfig(start_level=50),
        camera=CameraConfig(width=80, height=60, every=2),
    )
    sims = Simulators(config, [jax.local_devices()[0]])
    state, images = sims.init(), []
    command = Command(jnp.full((1, NUM_ENVS, 11), 0.5), jnp.full(1, 50, jnp.int32))
    for _ in range(5):
        state, _, _ = sims.step(state, command)
        saved = sims.to_global(state)
        images.append(np.asarray(sims.render(state)))
        np.testing.assert_array_equal(sims.render(sims.from_global(saved)), images[-1])
    same = [np.array_equal(a, b) for a, b in zip(images[:-1], images[1:], strict=True)]
    assert same == [False, True, False, True]
