"""What the learner carries from call to call. Every leaf is an array, so that all of it can be saved."""

from typing import Any, NamedTuple, Protocol, Self, TypeVar

import jax
import jax.numpy as jnp

from mjxdex.learning.normalizer import RunningStats
from mjxdex.networks.lstm import Carry

Params = dict[Any, Any]
"""Parameters of a network: nested dicts of float32 arrays."""


class Normalizers(NamedTuple):
    """Running statistics of the policy's and the critic's observations [P], [C] and of the returns []."""

    policy: RunningStats
    critic: RunningStats
    value: RunningStats


class LearnerState(NamedTuple):
    """What learning changes; constant during a rollout.

    Attributes:
      policy: Parameters of the policy.
      critic: Parameters of the critic.
      policy_opt: Optimizer state of the policy.
      critic_opt: Optimizer state of the critic.
      normalizers: Running statistics.
      step_size: float32 [], of the policy in the next update.
      key: Typed PRNG key; never changes, streams are folded out of it.
      iteration: int32 [], updates done.
    """

    policy: Params
    critic: Params
    policy_opt: Any
    critic_opt: Any
    normalizers: Normalizers
    step_size: jax.Array
    key: jax.Array
    iteration: jax.Array


class ActingState(NamedTuple):
    """What acting changes, for all B envs.

    Attributes:
      policy_carry: LSTM state of the policy after its last step, (cell, hidden) a layer.
      critic_carry: The same of the critic.
      noise: float32 [B, A], exploration noise of the last action, in standard deviations.
      reset: bool [B], the next observation starts an episode.
      step: int32 [], actions taken since the start of the run; picks the exploration noise.
      episode_return: float32 [B], unscaled rewards of the running episode so far.
      episode_length: float32 [B], steps of the running episode so far.
      last_return: float32 [], mean return of the episodes that ended in the last rollout with any.
      last_length: float32 [], their mean length in steps.
    """

    policy_carry: Carry
    critic_carry: Carry
    noise: jax.Array
    reset: jax.Array
    step: jax.Array
    episode_return: jax.Array
    episode_length: jax.Array
    last_return: jax.Array
    last_length: jax.Array


class Account(Protocol):
    """The part of an acting state that keeps account of episodes; see `ActingState`."""

    @property
    def reset(self) -> jax.Array: ...
    @property
    def episode_return(self) -> jax.Array: ...
    @property
    def episode_length(self) -> jax.Array: ...
    @property
    def last_return(self) -> jax.Array: ...
    @property
    def last_length(self) -> jax.Array: ...
    def _replace(self, **fields: Any) -> Self: ...


Acting = TypeVar("Acting", bound=Account)


def fresh_account(num_envs: int) -> dict[str, jax.Array]:
    """Those fields and `step` before the first observation, which starts an episode everywhere."""
    return {
        "reset": jnp.ones(num_envs, bool),
        "step": jnp.zeros((), jnp.int32),
        "episode_return": jnp.zeros(num_envs),
        "episode_length": jnp.zeros(num_envs),
        "last_return": jnp.zeros(()),
        "last_length": jnp.zeros(()),
    }
