"""One PPO update in bfloat16 against the same in float32, with images and resets."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import Config, EnvConfig, NetworkConfig, PpoConfig
from mjxdex.learning.learner import make
from mjxdex.types import Message, Observation, Outcome

ENVS, T, P, C, ACTIONS, IMAGE = 16, 4, 21, 9, 3, (28, 36)
NETWORK = NetworkConfig(
    cnn_filters=(8, 16),
    cnn_kernels=(6, 4),
    lstm_layers=1,
    lstm_units=32,
    mlp=(32,),
    critic_mlp=(32,),
    critic_lstm_units=32,
)


def gradients(dtype: str):
    """The clipped gradients of the first minibatch, read off Adam's momentum, and the metrics."""
    config = Config(
        env=EnvConfig(num_envs=ENVS),
        network=dataclasses.replace(NETWORK, compute_dtype=dtype),  # pyright: ignore
        ppo=PpoConfig(horizon=T, epochs=1, minibatches=1),
    )
    learner = make(config, P, C, IMAGE, ACTIONS)
    keys = jax.random.split(jax.random.key(1), 8)

    @jax.jit
    def run():
        state, acting = learner.init(jax.random.key(0), ENVS)
        noise = jax.random.normal(keys[0], (T, ENVS, ACTIONS))
        boxes = jax.random.uniform(keys[1], (T, ENVS, 7, 9), minval=0.5, maxval=1.3)
        rollout = learner.empty_rollout(ENVS)._replace(
            policy=jax.random.normal(keys[2], (T, ENVS, P)),
            critic=jax.random.normal(keys[3], (T, ENVS, C)),
            depth=(1e4 * jnp.repeat(jnp.repeat(boxes, 4, 2), 4, 3)).astype(jnp.uint16),
            reset=jax.random.bernoulli(keys[4], 0.2, (T, ENVS)),
            action=noise,
            log_prob=-0.5 * jnp.sum(noise**2 + jnp.log(2 * jnp.pi), axis=-1),
            reward=jax.random.normal(keys[5], (T, ENVS)),
        )
        no = jnp.zeros(ENVS, bool)
        obs = Observation(rollout.policy[0], rollout.critic[0], rollout.depth[0])  # pyright: ignore
        last = Message(obs, Outcome(jnp.ones(ENVS), no, no, no, obs.critic, {}))
        _, rollout, _ = learner.close(state, acting, rollout, (last,))
        state, metrics = learner.learn(state, rollout)
        return (state.policy_opt[1].mu, state.critic_opt[1].mu), metrics

    return run()


@pytest.fixture(scope="module")
def updates():
    return gradients("float32"), gradients("bfloat16")


def test_gradients_point_the_same_way(updates):
    (exact, _), (coarse, _) = updates
    for want, got in zip(exact, coarse, strict=True):
        want, got = (np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(g)]) for g in (want, got))
        assert np.linalg.norm(got - want) < 0.02 * np.linalg.norm(want)


def test_every_parameters_gradient_is_close(updates):
    (exact, _), (coarse, _) = updates
    largest = max(float(jnp.linalg.norm(leaf)) for leaf in jax.tree.leaves(exact))

    def close(want, got):
        error = float(jnp.linalg.norm(got - want))
        assert error < 0.1 * float(jnp.linalg.norm(want)) + 1e-4 * largest

    jax.tree.map(close, exact, coarse)


def test_losses_are_close(updates):
    (_, exact), (_, coarse) = updates
    for name in ("policy_loss", "value_loss", "entropy", "policy_grad_norm", "critic_grad_norm"):
        np.testing.assert_allclose(coarse[name], exact[name], rtol=0.01, atol=1e-3)
