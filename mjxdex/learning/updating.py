"""The PPO update: targets from a finished rollout, then epochs of minibatches of whole sequences."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from mjxdex.config import PpoConfig
from mjxdex.learning import normalizer, ppo
from mjxdex.learning.actor_critic import ActorCritic
from mjxdex.learning.blocks import Blocks
from mjxdex.learning.gae import gae
from mjxdex.learning.rollout import Rollout
from mjxdex.learning.schedule import largest_log_std, next_step_size
from mjxdex.learning.state import LearnerState, Normalizers, Params

_SHUFFLE_STREAM = 2


def optimizer(config: PpoConfig) -> optax.GradientTransformation:
    """Gradient clipping, then Adam without its step size."""
    return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.scale_by_adam())


def learn(
    networks: ActorCritic, config: PpoConfig, learner: LearnerState, rollout: Rollout, blocks: Blocks
) -> tuple[LearnerState, dict[str, jax.Array]]:
    """See `Learner.learn`."""
    num_envs = rollout.reward.shape[1]
    stats = learner.normalizers
    adv_t = gae(
        rollout.reward,
        rollout.value,
        rollout.v_last,
        rollout.v_final,
        rollout.terminated,
        rollout.truncated,
        discount=config.discount,
        lam=config.gae_lambda,
        bootstrap_time_limits=config.bootstrap_time_limits,
    )
    returns = adv_t + rollout.value
    value_stats = normalizer.update(stats.value, returns, blocks)
    targets = {
        "adv": (adv_t - blocks.mean(adv_t)) / (jnp.sqrt(blocks.var(adv_t)) + 1e-8),
        "target": normalizer.normalize(value_stats, returns),
        "value": normalizer.normalize(value_stats, rollout.value),
    }

    step_size, ceiling = learner.step_size, largest_log_std(config, learner.iteration)
    descend = optimizer(config)

    def minibatch_step(state, envs):
        policy, critic, policy_opt, critic_opt = state
        batch = _gather(rollout, targets, envs)
        grads, metrics = jax.grad(_loss, argnums=(0, 1), has_aux=True)(
            policy, critic, networks, config, stats, batch
        )
        grads = blocks.average(grads)
        metrics["policy_grad_norm"] = optax.global_norm(grads[0])
        metrics["critic_grad_norm"] = optax.global_norm(grads[1])
        policy_step, policy_opt = descend.update(grads[0], policy_opt)
        critic_step, critic_opt = descend.update(grads[1], critic_opt)
        policy = jax.tree.map(lambda p, s: p - step_size * s, policy, policy_step)
        policy["log_std"] = jnp.clip(policy["log_std"], config.min_log_std, ceiling)
        critic = jax.tree.map(lambda p, s: p - config.critic_learning_rate * s, critic, critic_step)
        return (policy, critic, policy_opt, critic_opt), metrics

    state = (learner.policy, learner.critic, learner.policy_opt, learner.critic_opt)
    state, per_step = jax.lax.scan(minibatch_step, state, _minibatches(config, learner, num_envs, blocks))

    metrics = blocks.average({name: jnp.mean(values) for name, values in per_step.items()})
    metrics |= {
        "explained_variance": 1 - blocks.var(returns - rollout.value) / (blocks.var(returns) + 1e-8),
        "log_std": jnp.mean(state[0]["log_std"]),
        "learning_rate": step_size,
    }
    learner = LearnerState(
        *state,
        normalizers=Normalizers(
            policy=normalizer.update(stats.policy, rollout.policy, blocks),
            critic=normalizer.update(stats.critic, rollout.critic, blocks),
            value=value_stats,
        ),
        step_size=next_step_size(config, step_size, learner.iteration + 1, metrics["approx_kl"]),
        key=learner.key,
        iteration=learner.iteration + 1,
    )
    return learner, metrics


def _minibatches(config: PpoConfig, learner: LearnerState, num_envs: int, blocks: Blocks) -> jax.Array:
    """Indices of this program's envs, int32 [epochs * minibatches, its envs of a minibatch], each epoch
    shuffled anew; see `Blocks.minibatches`."""
    key = jax.random.fold_in(jax.random.fold_in(learner.key, _SHUFFLE_STREAM), learner.iteration)
    draws = jax.random.uniform(key, (config.epochs, blocks.programs * num_envs))
    return blocks.minibatches(draws, config.minibatches)


def _gather(rollout: Rollout, targets: dict[str, jax.Array], envs: jax.Array) -> dict[str, Any]:
    """The sequences of some envs with what was before them."""
    names = ("policy", "critic", "depth", "reset", "action", "log_prob")
    sequences = {name: getattr(rollout, name) for name in names} | targets
    starts = {name: getattr(rollout, name) for name in ("noise", "policy_carry", "critic_carry")}
    return jax.tree.map(lambda x: x[:, envs], sequences) | jax.tree.map(lambda x: x[envs], starts)


def _loss(
    policy: Params,
    critic: Params,
    networks: ActorCritic,
    config: PpoConfig,
    stats: Normalizers,
    batch: dict[str, Any],
) -> tuple[jax.Array, dict[str, jax.Array]]:
    mean, prediction, _ = networks.policy_and_prediction(
        policy, stats.policy, batch["policy"], batch["depth"], batch["policy_carry"], batch["reset"]
    )
    value, _ = networks.value(critic, stats.critic, batch["critic"], batch["critic_carry"], batch["reset"])
    log_std = policy["log_std"]
    density = mean, log_std
    if batch["noise"] is not None:
        last = ppo.noise_before(batch["action"], mean, log_std, batch["noise"])
        density = ppo.given_noise(mean, log_std, last, batch["reset"], config.noise_correlation)
    log_prob = ppo.gaussian_log_prob(batch["action"], *density)
    policy_loss, metrics = ppo.policy_loss(log_prob, batch["log_prob"], batch["adv"], clip=config.clip)
    value_loss = ppo.value_loss(
        value, batch["value"], batch["target"], clip=config.clip if config.clip_value else None
    )
    entropy = jnp.mean(ppo.gaussian_entropy(density[1]))
    excess, outside = ppo.out_of_range(mean)
    errors = ppo.prediction_errors(prediction, networks.prediction_targets(stats.critic, batch["critic"]))
    metrics |= {"policy_loss": policy_loss, "value_loss": value_loss, "entropy": entropy}
    metrics["actions_out_of_range"] = outside
    metrics |= {f"prediction_error/{term}": error for term, error in errors.items()}
    loss = policy_loss + value_loss - config.entropy_coef * entropy + config.bound_coef * excess
    return loss + config.predict_coef * sum(errors.values()), metrics
