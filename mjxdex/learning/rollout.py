"""The experience buffer of one rollout."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mjxdex.networks.lstm import Carry


class Rollout(NamedTuple):
    """T steps of B envs, time first. Slot t holds what was seen, done and reached at step t.

    Attributes:
      policy: float32 [T, B, P], the policy's vector observation, not normalized.
      critic: float32 [T, B, C], the critic's observation, not normalized.
      depth: uint16 [T, B, H, W], or None.
      reset: bool [T, B], an episode starts with this observation.
      action: float32 [T, B, A], the sample, not clipped.
      log_prob: float32 [T, B], given the noise of the step before.
      value: float32 [T, B], in units of scaled return.
      reward: float32 [T, B], scaled.
      terminated: bool [T, B].
      truncated: bool [T, B].
      v_final: float32 [T, B], value of the observation before the reset where truncated, else 0.
      v_last: float32 [B], value of the observation after the last step.
      noise: float32 [B, A], exploration noise before step 0, in standard deviations, or None if it is white.
      policy_carry: LSTM state of the policy before step 0, (cell, hidden) a layer.
      critic_carry: The same of the critic.
      stats: float32 [T] by name, means over the envs (of `episodes` and what ended, sums).
    """

    policy: jax.Array
    critic: jax.Array
    depth: jax.Array | None
    reset: jax.Array
    action: jax.Array
    log_prob: jax.Array
    value: jax.Array
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    v_final: jax.Array
    v_last: jax.Array
    noise: jax.Array | None
    policy_carry: Carry
    critic_carry: Carry
    stats: dict[str, jax.Array]


STATS = ("reward", "success", "episodes", "episode_return", "episode_length")
"""Statistics of every rollout; those of `Outcome.info` follow under `info/NAME`."""


def stat_names(info_names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of all statistics; `info_names` are the keys of `Outcome.info`."""
    return (*STATS, *(f"info/{name}" for name in sorted(info_names)))


def empty(
    horizon: int,
    num_envs: int,
    policy_dim: int,
    critic_dim: int,
    action_dim: int,
    depth_shape: tuple[int, int] | None,
    policy_carry: Carry,
    critic_carry: Carry,
    info_names: tuple[str, ...] = (),
    correlated: bool = False,
) -> Rollout:
    """A buffer of zeros; every slot is written before it is read.

    Args:
      horizon: Steps T.
      num_envs: Envs B.
      policy_dim, critic_dim, action_dim: Sizes P, C, A.
      depth_shape: (H, W), or None without a camera.
      policy_carry, critic_carry: Initial carries.
      info_names: Names of the entries of `Outcome.info`.
      correlated: Whether exploration noise goes on from step to step.
    """
    shape = (horizon, num_envs)

    def scalars(dtype=jnp.float32):
        return jnp.zeros(shape, dtype)

    return Rollout(
        policy=jnp.zeros((*shape, policy_dim)),
        critic=jnp.zeros((*shape, critic_dim)),
        depth=None if depth_shape is None else jnp.zeros((*shape, *depth_shape), jnp.uint16),
        reset=scalars(bool),
        action=jnp.zeros((*shape, action_dim)),
        log_prob=scalars(),
        value=scalars(),
        reward=scalars(),
        terminated=scalars(bool),
        truncated=scalars(bool),
        v_final=scalars(),
        v_last=jnp.zeros(num_envs),
        noise=jnp.zeros((num_envs, action_dim)) if correlated else None,
        policy_carry=policy_carry,
        critic_carry=critic_carry,
        stats={name: jnp.zeros(horizon) for name in stat_names(info_names)},
    )
