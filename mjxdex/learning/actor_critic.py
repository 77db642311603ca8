"""Policy and critic as functions of their parameters, with observations normalized."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from mjxdex.config import NetworkConfig
from mjxdex.learning import normalizer
from mjxdex.learning.normalizer import RunningStats
from mjxdex.learning.state import Params
from mjxdex.networks.critic import Critic
from mjxdex.networks.layers import Draws
from mjxdex.networks.lstm import Carry, initial_carry
from mjxdex.networks.policy import Policy


@dataclass(frozen=True, eq=False)
class ActorCritic:
    """The static halves of both networks; merged with parameters inside jit.

    Attributes:
      config: Sizes and precision.
      policy_dim, critic_dim, action_dim: Sizes P, C, A of the vectors.
      depth: (H, W) of the depth images that the policy sees; None without a camera.
      observation_clip: Normalized observations are clipped to ± this.
      predicted: Columns of the critic's observation that the policy predicts, by the name of their term.
    """

    config: NetworkConfig
    policy_dim: int
    critic_dim: int
    action_dim: int
    depth: tuple[int, int] | None
    observation_clip: float
    predicted: Mapping[str, np.ndarray] = field(default_factory=dict)
    _graphs: tuple[Any, Any] = field(init=False)
    _random_numbers: int = field(init=False)

    def __post_init__(self) -> None:
        draws = Draws()
        networks = nnx.eval_shape(lambda: self._networks(draws))
        object.__setattr__(self, "_graphs", tuple(nnx.graphdef(network) for network in networks))
        object.__setattr__(self, "_random_numbers", draws.used)

    def _networks(self, draw: Draws) -> tuple[Policy, Critic]:
        predicted = sum(len(columns) for columns in self.predicted.values())
        policy = Policy(
            self.config, self.policy_dim, self.action_dim, depth=self.depth, draw=draw, predicted=predicted
        )
        return policy, Critic(self.config, self.critic_dim, draw=draw)

    def init(self, key: jax.Array) -> tuple[Params, Params]:
        """Fresh parameters of policy and critic."""
        networks = self._networks(Draws(jax.random.uniform(key, (self._random_numbers,))))
        policy, critic = (nnx.to_pure_dict(nnx.state(network, nnx.Param)) for network in networks)
        return policy, critic

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
        mean, _, carry = self.policy_and_prediction(params, stats, obs, depth, carry, reset)
        return mean, carry

    def policy_and_prediction(
        self,
        params: Params,
        stats: RunningStats,
        obs: jax.Array,
        depth: jax.Array | None,
        carry: Carry,
        reset: jax.Array,
    ) -> tuple[jax.Array, dict[str, jax.Array], Carry]:
        """As `policy`, with the predicted terms, float32 [(T,) B, size] and normalized, in the middle."""
        obs = normalizer.normalize(stats, obs, self.observation_clip)
        mean, prediction, carry = nnx.merge(self._graphs[0], params)(obs, depth, carry, reset)
        if prediction is None:
            return mean, {}, carry
        ends = np.cumsum([len(columns) for columns in self.predicted.values()])
        parts = jnp.split(prediction, ends[:-1], axis=-1)
        return mean, dict(zip(self.predicted, parts, strict=True)), carry

    def prediction_targets(self, stats: RunningStats, obs: jax.Array) -> dict[str, jax.Array]:
        """The true values of those terms; `stats` and `obs` [(T,) B, C] are the critic's."""
        obs = normalizer.normalize(stats, obs, self.observation_clip)
        return {term: obs[..., columns] for term, columns in self.predicted.items()}

    def value(
        self, params: Params, stats: RunningStats, obs: jax.Array, carry: Carry, reset: jax.Array
    ) -> tuple[jax.Array, Carry]:
        """Values [(T,) B], in normalized units, and the carry after them; arguments as for `policy`."""
        obs = normalizer.normalize(stats, obs, self.observation_clip)
        return nnx.merge(self._graphs[1], params)(obs, carry, reset)
