"""A rollout step by step: book the last action's outcome, act on the new observation; at last close it."""

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import PpoConfig
from mjxdex.learning import normalizer, ppo
from mjxdex.learning.actor_critic import ActorCritic
from mjxdex.learning.blocks import Blocks
from mjxdex.learning.rollout import Rollout
from mjxdex.learning.state import Acting, ActingState, LearnerState
from mjxdex.types import Message, Outcome

_NOISE_STREAM = 1


def join(messages: tuple[Message, ...]) -> Message:
    """The messages of all shards as one, envs in the order of the shards.

    The barrier keeps the compiler from fusing what follows with the joining, so that sums are taken in the
    same order however the envs are split.
    """
    return jax.lax.optimization_barrier(jax.tree.map(lambda *parts: jnp.concatenate(parts), *messages))


def split(action: jax.Array, messages: tuple[Message, ...]) -> tuple[jax.Array, ...]:
    """The inverse of `join` for actions [B, A]: those of each shard."""
    ends = np.cumsum([message.obs.policy.shape[0] for message in messages])
    return tuple(jnp.split(action, ends[:-1]))


def act(
    networks: ActorCritic,
    config: PpoConfig,
    learner: LearnerState,
    acting: ActingState,
    rollout: Rollout,
    t: jax.Array,
    messages: tuple[Message, ...],
    blocks: Blocks,
) -> tuple[ActingState, Rollout, tuple[jax.Array, ...]]:
    """See `Learner.act`."""
    obs, outcome = join(messages)
    acting, rollout = record(
        networks, config, learner, acting, rollout, jnp.maximum(t - 1, 0), outcome, t > 0, blocks
    )

    first = t == 0
    policy_carry, critic_carry = jax.tree.map(
        lambda old, new: jnp.where(first, new, old),
        (rollout.policy_carry, rollout.critic_carry),
        (acting.policy_carry, acting.critic_carry),
    )
    stats = learner.normalizers
    mean, next_policy_carry = networks.policy(
        learner.policy, stats.policy, obs.policy, obs.depth, acting.policy_carry, acting.reset
    )
    value, next_critic_carry = networks.value(
        learner.critic, stats.critic, obs.critic, acting.critic_carry, acting.reset
    )
    log_std = learner.policy["log_std"]
    key = jax.random.fold_in(jax.random.fold_in(learner.key, _NOISE_STREAM), acting.step)
    white = blocks.own(jax.random.normal(key, (blocks.programs * mean.shape[0], mean.shape[1])))
    noise = going_on(config.noise_correlation, acting.noise, white, acting.reset)
    action = mean + jnp.exp(log_std) * noise
    density = mean, log_std
    if rollout.noise is not None:
        last = jnp.exp(log_std) * acting.noise
        density = ppo.given_noise(mean, log_std, last, acting.reset, config.noise_correlation)

    rollout = rollout._replace(
        policy=rollout.policy.at[t].set(obs.policy),
        critic=rollout.critic.at[t].set(obs.critic),
        depth=None if rollout.depth is None else rollout.depth.at[t].set(obs.depth),
        reset=rollout.reset.at[t].set(acting.reset),
        action=rollout.action.at[t].set(action),
        log_prob=rollout.log_prob.at[t].set(ppo.gaussian_log_prob(action, *density)),
        value=rollout.value.at[t].set(normalizer.denormalize(stats.value, value)),
        noise=None if rollout.noise is None else jnp.where(first, acting.noise, rollout.noise),
        policy_carry=policy_carry,
        critic_carry=critic_carry,
    )
    acting = acting._replace(
        policy_carry=next_policy_carry,
        critic_carry=next_critic_carry,
        noise=noise,
        step=acting.step + 1,
    )
    return acting, rollout, split(action, messages)


def going_on(
    correlation: jax.typing.ArrayLike, last: jax.Array, white: jax.Array, reset: jax.Array
) -> jax.Array:
    """The next noise [B, A] of variance 1, correlated with the last one; an episode starts with white noise.

    Source: Hollenstein et al. 2023, Colored Noise in PPO; there drawn by its spectrum, here autoregressive.
    """
    noise = correlation * last + jnp.sqrt(1 - jnp.square(correlation)) * white
    return jnp.where(reset[:, None], white, noise)


def close(
    networks: ActorCritic,
    config: PpoConfig,
    learner: LearnerState,
    acting: ActingState,
    rollout: Rollout,
    last_messages: tuple[Message, ...],
    blocks: Blocks,
) -> tuple[ActingState, Rollout, dict[str, jax.Array]]:
    """See `Learner.close`."""
    obs, outcome = join(last_messages)
    last = rollout.reward.shape[0] - 1
    acting, rollout = record(networks, config, learner, acting, rollout, last, outcome, True, blocks)
    stats = learner.normalizers
    v_last, _ = networks.value(learner.critic, stats.critic, obs.critic, acting.critic_carry, acting.reset)
    rollout = rollout._replace(v_last=normalizer.denormalize(stats.value, v_last))
    acting, metrics = summarize(acting, rollout.stats)
    return acting, rollout, metrics


def record(
    networks: ActorCritic,
    config: PpoConfig,
    learner: LearnerState,
    acting: ActingState,
    rollout: Rollout,
    slot: jax.Array | int,
    outcome: Outcome,
    new: jax.Array | bool,
    blocks: Blocks,
) -> tuple[ActingState, Rollout]:
    """Books what the last action led to.

    Writes reward, endings, v_final and statistics to `slot` of the rollout; moves the reset flags and the
    running returns of `acting` on, unless `new` is False: then the outcome was booked before, or belongs to
    no action, and the slot is to be written again.
    """
    new = jnp.asarray(new)
    before = acting
    acting, stats = book(acting, outcome, new, blocks)
    truncated = outcome.truncated & ~outcome.terminated

    v_final = jnp.zeros_like(outcome.reward)
    if config.bootstrap_time_limits:
        v_final = jax.lax.cond(
            new & jnp.any(truncated),
            lambda: jnp.where(truncated, _value_before_reset(networks, learner, before, outcome), 0.0),
            lambda: v_final,
        )

    rollout = rollout._replace(
        reward=rollout.reward.at[slot].set(outcome.reward * config.reward_scale),
        terminated=rollout.terminated.at[slot].set(outcome.terminated),
        truncated=rollout.truncated.at[slot].set(truncated),
        v_final=rollout.v_final.at[slot].set(v_final),
        stats={name: rollout.stats[name].at[slot].set(value) for name, value in stats.items()},
    )
    return acting, rollout


def book(
    acting: Acting, outcome: Outcome, new: jax.Array, blocks: Blocks
) -> tuple[Acting, dict[str, jax.Array]]:
    """Moves reset flags and running returns on, unless `new` is False.

    Returns: The acting state, and statistics of the step over all envs: see `rollout.STATS`.
    """
    done = outcome.terminated | outcome.truncated
    ended = (done & new).astype(jnp.float32)
    episode_return = acting.episode_return + jnp.where(new, outcome.reward, 0.0)
    episode_length = acting.episode_length + jnp.where(new, 1.0, 0.0)
    means = {
        "reward": jnp.mean(outcome.reward),
        "success": jnp.mean(outcome.success.astype(jnp.float32)),
        **{f"info/{name}": jnp.mean(value) for name, value in outcome.info.items()},
    }
    sums = {
        "episodes": jnp.sum(ended),
        "episode_return": jnp.sum(ended * episode_return),
        "episode_length": jnp.sum(ended * episode_length),
    }
    acting = acting._replace(
        reset=jnp.where(new, done, acting.reset),
        episode_return=episode_return * (1 - ended),
        episode_length=episode_length * (1 - ended),
    )
    return acting, blocks.average(means) | blocks.total(sums)


def _value_before_reset(
    networks: ActorCritic, learner: LearnerState, acting: ActingState, outcome: Outcome
) -> jax.Array:
    stats = learner.normalizers
    going_on = jnp.zeros_like(outcome.truncated)
    value, _ = networks.value(
        learner.critic, stats.critic, outcome.critic_final, acting.critic_carry, going_on
    )
    return normalizer.denormalize(stats.value, value)


def summarize(acting: Acting, stats: dict[str, jax.Array]) -> tuple[Acting, dict[str, jax.Array]]:
    """Means over the steps of `stats`; where no episode ended, those of the last time that some did."""
    metrics = {name: jnp.mean(values) for name, values in stats.items()}
    episodes, total_return, total_length = (
        jnp.sum(stats[name]) for name in ("episodes", "episode_return", "episode_length")
    )
    some = jnp.maximum(episodes, 1.0)
    acting = acting._replace(
        last_return=jnp.where(episodes > 0, total_return / some, acting.last_return),
        last_length=jnp.where(episodes > 0, total_length / some, acting.last_length),
    )
    metrics |= {
        "episodes": episodes,
        "episode_return": acting.last_return,
        "episode_length": acting.last_length,
    }
    return acting, metrics
