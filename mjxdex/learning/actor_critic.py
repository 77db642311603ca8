"""Policy and critic as functions of their parameters, with observations normalized."""

from dataclasses import dataclass

import jax
from flax import nnx

from mjxdex.config import NetworkConfig
from mjxdex.learning import normalizer
from mjxdex.learning.normalizer import RunningStats
from mjxdex.learning.state import Params
from mjxdex.networks.critic import Critic
from mjxdex.networks.lstm import Carry, initial_carry
from mjxdex.networks.policy import Policy


@dataclass(frozen=True, eq=False)
class ActorCritic:
    """The static halves of both networks; merged with parameters inside jit.

    Attributes:
      config: Sizes and precision.
      policy_dim, critic_dim, action_dim: Sizes P, C, A of the vectors.
      depth: Whether the policy sees depth images.
      observation_clip: Normalized observations are clipped to ± this.
    """

    config: NetworkConfig
    policy_dim: int
    critic_dim: int
    action_dim: int
    depth: bool
    observation_clip: float

    def __post_init__(self) -> None:
        policy, critic = nnx.eval_shape(lambda: (self._policy(jax.random.key(0)), self._critic(jax.random.key(0))))
        object.__setattr__(self, "_policy_def", nnx.graphdef(policy))
        object.__setattr__(self, "_critic_def", nnx.graphdef(critic))

    def _policy(self, key: jax.Array) -> Policy:
        rngs = nnx.Rngs(params=key)
        return Policy(self.config, self.policy_dim, self.action_dim, depth=self.depth, rngs=rngs)

    def _critic(self, key: jax.Array) -> Critic:
        return Critic(self.config, self.critic_dim, rngs=nnx.Rngs(params=key))

    def init(self, key: jax.Array) -> tuple[Params, Params]:
        """Fresh parameters of policy and critic."""
        policy_key, critic_key = jax.random.split(key)
        policy = nnx.state(self._policy(policy_key), nnx.Param)
        critic = nnx.state(self._critic(critic_key), nnx.Param)
        return nnx.to_pure_dict(policy), nnx.to_pure_dict(critic)

    def initial_carries(self, batch: int) -> tuple[Carry, Carry]:
        """Zero LSTM states of policy and critic for `batch` envs."""
        policy = initial_carry(self.config.lstm_layers, self.config.lstm_units, batch)
        return policy, initial_carry(1, self.config.critic_lstm_units, batch)

    def policy(
        self,
        params: Params,
        stats: RunningStats,
        obs: jax.Array,
        depth: jax.Array | None,
        carry: Carry,
        reset: jax.Array,
    ) -> tuple[jax.Array, Carry]:
        """Mean actions of a step (no time axis) or of sequences (time first), and the carry after them.

        Args:
          params: Parameters of the policy.
          stats: Statistics of its vector observations.
          obs: float32 [(T,) B, P], not normalized.
          depth: uint16 [(T,) B, H, W], or None.
          carry: LSTM state before the first step.
          reset: bool [(T,) B], where an episode starts.
        """
        obs = normalizer.normalize(stats, obs, self.observation_clip)
        return nnx.merge(self._policy_def, params)(obs, depth, carry, reset)  # pyright: ignore

    def value(
        self, params: Params, stats: RunningStats, obs: jax.Array, carry: Carry, reset: jax.Array
    ) -> tuple[jax.Array, Carry]:
        """Values [(T,) B], in normalized units, and the carry after them; arguments as for `policy`."""
        obs = normalizer.normalize(stats, obs, self.observation_clip)
        return nnx.merge(self._critic_def, params)(obs, carry, reset)  # pyright: ignore
