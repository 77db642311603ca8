"""Probabilities of actions whose exploration noise goes on from step to step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from mjxdex.config import PpoConfig
from mjxdex.learning import ppo
from mjxdex.learning.acting import going_on
from mjxdex.learning.learner import make
from tests.learning import toy

CORRELATION, LENGTH, T, B, A = 0.9, 7, 10, 8, 2
SETTINGS = PpoConfig(
    horizon=T, epochs=1, minibatches=1, noise_correlation=CORRELATION, learning_rate=1e-2, entropy_coef=0.0
)
ENV = toy.constant_reward(LENGTH, B)
"""Resets fall on all steps, and episodes go on from rollout to rollout."""
LEARNER = make(toy.config(SETTINGS, envs=B), 1, 1, None, A)


def joint_normals(log_std):
    """The noise of an episode, for each component of the action."""
    apart = np.abs(np.subtract.outer(np.arange(LENGTH), np.arange(LENGTH)))
    return [multivariate_normal(cov=std**2 * CORRELATION**apart) for std in np.exp(log_std)]


@pytest.fixture(scope="module")
def iterate():
    return jax.jit(lambda run: toy.iterate(LEARNER, ENV, run))


@pytest.fixture(scope="module")
def run():
    state, *others = toy.start(LEARNER, ENV)
    state.policy["mean"]["kernel"] *= 1000
    state.policy["log_std"] = jnp.array([-0.5, -1.5])
    return state, *others


def test_first_pass_has_ratio_one_in_every_rollout(run, iterate):
    for first in (True, False):
        log_std = run[0].policy["log_std"]
        run, metrics = iterate(run)
        assert float(metrics["approx_kl"]) < 1e-8 and float(metrics["clip_fraction"]) == 0
        assert np.abs(run[0].policy["log_std"] - log_std).min() > 1e-3, "the next rollout has another one"
        rollout = run[2]
        assert rollout.noise.any() != first and rollout.reset[0].all() == first
        variance = np.exp(2 * log_std) * np.where(rollout.reset, 1, 1 - CORRELATION**2)[..., None]
        entropy = np.log(2 * np.pi * np.e * variance).sum(-1).mean() / 2
        np.testing.assert_allclose(metrics["entropy"], entropy, rtol=1e-5)


def test_log_probs_of_an_episode_are_those_of_a_joint_normal(run, iterate):
    state, rollouts = run[0], []
    for _ in range(2):
        run, _ = iterate((state, *run[1:]))
        rollouts.append(run[2])
    policy = jax.jit(LEARNER.networks.policy)
    means = [
        policy(state.policy, state.normalizers.policy, r.policy, None, r.policy_carry, r.reset)[0]
        for r in rollouts
    ]
    offset = np.concatenate([r.action - mean for r, mean in zip(rollouts, means, strict=True)])
    reset, log_prob = (np.concatenate([getattr(r, name) for r in rollouts]) for name in ("reset", "log_prob"))
    joint = joint_normals(state.policy["log_std"])
    episodes = [
        (slice(start, start + LENGTH), env)
        for start, env in zip(*np.nonzero(reset), strict=True)
        if 0 < start <= 2 * T - LENGTH
    ]
    assert len(episodes) >= B and any(steps.start < T < steps.stop for steps, _ in episodes)
    for steps, env in episodes:
        assert not reset[steps, env][1:].any()
        want = sum(normal.logpdf(offset[steps, env, a]) for a, normal in enumerate(joint))
        np.testing.assert_allclose(log_prob[steps, env].sum(), want, atol=1e-3)


def test_log_probs_under_other_parameters_are_those_of_a_joint_normal():
    rng = np.random.default_rng(0)
    action, mean = rng.normal(size=(2, LENGTH, 1, A)).astype(np.float32)
    log_std, reset = np.float32([-0.5, -1.5]), np.arange(LENGTH)[:, None] == 0
    last = ppo.noise_before(action, mean, log_std, jnp.ones((1, A)))
    density = ppo.given_noise(mean, log_std, last, reset, CORRELATION)
    want = sum(normal.logpdf((action - mean)[:, 0, a]) for a, normal in enumerate(joint_normals(log_std)))
    np.testing.assert_allclose(ppo.gaussian_log_prob(action, *density).sum(), want, rtol=1e-4)


def test_actions_are_credited_with_what_they_did():
    """The policy gradient of a return that is linear in the actions is its coefficients."""
    envs, std, weight = 400_000, 0.3, jnp.array([1.0, -2.0, 1.0, 0.0, 3.0, -3.0])
    white = jax.random.normal(jax.random.key(0), (len(weight), envs, 1))
    starts = jnp.zeros((len(weight), envs), bool).at[0].set(True)

    def draw(last, now):
        noise = going_on(CORRELATION, last, *now)
        return noise, noise

    def surrogate(mean):
        means = jnp.broadcast_to(mean[:, None, None], action.shape)
        log_std = jnp.log(jnp.full(1, std))
        last = ppo.noise_before(action, means, log_std, jnp.zeros((envs, 1)))
        density = ppo.given_noise(means, log_std, last, starts, CORRELATION)
        to_go = jnp.cumsum((weight[:, None] * action[..., 0])[::-1], axis=0)[::-1]
        return jnp.sum(jnp.mean(ppo.gaussian_log_prob(action, *density) * to_go, axis=1))

    action = std * jax.lax.scan(draw, jnp.zeros((envs, 1)), (white, starts))[1]
    np.testing.assert_allclose(jax.grad(surrogate)(jnp.zeros(len(weight))), weight, atol=0.15)


def test_white_noise_is_not_kept():
    white = make(toy.config(PpoConfig(), envs=B), 1, 1, None, A)
    assert white.empty_rollout(B).noise is None
