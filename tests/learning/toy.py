"""Tiny vectorized envs that speak the simulators' messages, and training on them in one program."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from mjxdex.config import Config, EnvConfig, NetworkConfig, ObservationConfig, PpoConfig
from mjxdex.learning.learner import Learner, make
from mjxdex.types import Message, Observation, Outcome

ENVS = 64
NETWORK = NetworkConfig(
    lstm_layers=1,
    lstm_units=32,
    mlp=(32,),
    critic_mlp=(32,),
    critic_lstm_units=32,
    init_log_std=-0.7,
    compute_dtype="float32",
)


def config(ppo: PpoConfig, network: NetworkConfig = NETWORK, envs: int = ENVS) -> Config:
    return Config(
        env=EnvConfig(num_envs=envs), observation=ObservationConfig(depth=False), network=network, ppo=ppo
    )


class Env(NamedTuple):
    """first(key) -> (state, message); step(state, action [B, 1], key) -> (state, message)."""

    first: Callable[..., Any]
    step: Callable[..., Any]


def message(obs, reward, terminated, truncated, final) -> Message:
    info = {"half_reward": reward / 2}
    return Message(
        Observation(obs, obs, None), Outcome(reward, terminated, truncated, reward > 0.5, final, info)
    )


class RecallState(NamedTuple):
    age: jax.Array
    cue: jax.Array


def recall(delay: int = 10, envs: int = ENVS) -> Env:
    """A cue of ±1 is shown at the first step of an episode; `delay` steps later the action must equal it.

    Observation [cue at the start, else 0; age / delay]. The reward, once an episode, is 1 - |action - cue|;
    an action without memory earns 0 on average at best.
    """

    def observe(state):
        return jnp.stack([jnp.where(state.age == 0, state.cue, 0.0), state.age / delay], axis=-1)

    def cues(key):
        return jnp.where(jax.random.bernoulli(key, 0.5, (envs,)), 1.0, -1.0)

    def first(key):
        state = RecallState(jnp.zeros(envs, jnp.int32), cues(key))
        obs, no = observe(state), jnp.zeros(envs, bool)
        return state, message(obs, jnp.zeros(envs), no, no, obs)

    def step(state, action, key):
        asked = state.age == delay
        reward = jnp.where(asked, 1 - jnp.abs(action[:, 0] - state.cue), 0.0)
        final = observe(state._replace(age=state.age + 1))
        state = RecallState(jnp.where(asked, 0, state.age + 1), jnp.where(asked, cues(key), state.cue))
        return state, message(observe(state), reward, asked, jnp.zeros(envs, bool), final)

    return Env(first, step)


def constant_reward(length: int, envs: int = ENVS) -> Env:
    """Reward 1 whatever is done; episodes of `length` steps end by time limit in the first half of the envs,
    by termination in the second, and the observation says only which half it is.

    Ages start spread out, so that resets fall on every step of a rollout.
    """
    truncates = jnp.arange(envs) < envs // 2
    obs = truncates[:, None].astype(jnp.float32)

    def first(key):
        no = jnp.zeros(envs, bool)
        return jnp.arange(envs) % length, message(obs, jnp.zeros(envs), no, no, obs)

    def step(age, action, key):
        over = age + 1 == length
        reply = message(obs, jnp.ones(envs), over & ~truncates, over & truncates, obs)
        return jnp.where(over, 0, age + 1), reply

    return Env(first, step)


def start(learner: Learner, env: Env, seed: jax.Array | int = 0):
    """State of a run before its first iteration: learner, acting, rollout, env state, message."""
    envs = learner.config.env.num_envs
    state, acting = learner.init(jax.random.key(seed), envs)
    env_state, first = env.first(jax.random.key(seed + 1))
    return state, acting, learner.empty_rollout(envs, ("half_reward",)), env_state, first


def iterate(learner: Learner, env: Env, run, forget: jax.Array | bool = False):
    """One training iteration; `forget` zeroes all LSTM states before each step of acting and of learning."""
    state, acting, rollout, env_state, last = run

    def step(carry, t):
        acting, rollout, env_state, last = carry
        policy_carry, critic_carry = jax.tree.map(
            lambda part: jnp.where(forget, 0.0, part), (acting.policy_carry, acting.critic_carry)
        )
        acting = acting._replace(policy_carry=policy_carry, critic_carry=critic_carry)
        acting, rollout, (action,) = learner.act(state, acting, rollout, t, (last,))
        key = jax.random.fold_in(jax.random.key(17), acting.step)
        env_state, last = env.step(env_state, action, key)
        return (acting, rollout, env_state, last), None

    carry, _ = jax.lax.scan(step, (acting, rollout, env_state, last), jnp.arange(learner.config.ppo.horizon))
    acting, rollout, env_state, last = carry
    rollout = rollout._replace(reset=rollout.reset | forget)
    acting, rollout, means = learner.close(state, acting, rollout, (last,))
    state, metrics = learner.learn(state, rollout)
    return (state, acting, rollout, env_state, last), means | metrics


def trainer(learner: Learner, env: Env, iterations: int):
    """train(seed, forget) → the last run state and the metrics of all iterations, stacked; compiled once."""

    @jax.jit
    def train(seed: jax.Array | int, forget: jax.Array | bool):
        def one(run, _):
            return iterate(learner, env, run, forget)

        return jax.lax.scan(one, start(learner, env, seed), None, length=iterations)

    return train


def tiny(ppo: PpoConfig, dim: int, network: NetworkConfig = NETWORK, envs: int = ENVS) -> Learner:
    return make(config(ppo, network, envs), dim, dim, None, action_dim=1)
