"""The student as a function of its parameters, with observations normalized."""

from dataclasses import dataclass, field
from typing import Any

import jax
from flax import nnx

from mjxdex.config import Config
from mjxdex.learning import normalizer
from mjxdex.learning.normalizer import RunningStats
from mjxdex.learning.state import Params
from mjxdex.networks.layers import Draws
from mjxdex.networks.lstm import Carry, initial_carry
from mjxdex.networks.student import Student
from mjxdex.types import Observation


@dataclass(frozen=True, eq=False)
class StudentNetwork:
    """The static half of the network; merged with parameters inside jit.

    Attributes:
      config: Sizes, precision and images.
      policy_dim, action_dim: Sizes P, A of the vectors.
    """

    config: Config
    policy_dim: int
    action_dim: int = 11
    _graph: Any = field(init=False)
    _random_numbers: int = field(init=False)

    def __post_init__(self) -> None:
        draws = Draws()
        network = nnx.eval_shape(lambda: self._network(draws))
        object.__setattr__(self, "_graph", nnx.graphdef(network))
        object.__setattr__(self, "_random_numbers", draws.used)

    def _network(self, draw: Draws) -> Student:
        return Student(self.config, self.policy_dim, self.action_dim, draw=draw)

    def init(self, key: jax.Array) -> Params:
        """Fresh parameters."""
        network = self._network(Draws(jax.random.uniform(key, (self._random_numbers,))))
        return nnx.to_pure_dict(nnx.state(network, nnx.Param))

    def initial_carry(self, batch: int) -> Carry:
        """Zero LSTM state for `batch` envs."""
        return initial_carry(self.config.network.lstm_layers, self.config.network.lstm_units, batch)

    def images(self, obs: Observation) -> jax.Array | None:
        """Those that the student sees."""
        return obs.stereo if self.config.observation.stereo else obs.depth

    def __call__(
        self,
        params: Params,
        stats: RunningStats,
        obs: jax.Array,
        images: jax.Array | None,
        carry: Carry,
        reset: jax.Array,
        keys: jax.Array | None = None,
    ) -> tuple[jax.Array, jax.Array, Carry]:
        """Mean actions, object positions and the carry, of a step or of sequences: see `networks.student`.

        Args:
          params: Parameters.
          stats: Statistics of the vector observations.
          obs: float32 [(T,) B, P], not normalized.
          images, carry, reset, keys: As for `Student`.
        """
        obs = normalizer.normalize(stats, obs, self.config.ppo.observation_clip)
        return nnx.merge(self._graph, params)(obs, images, carry, reset, keys)

    def predict_step(
        self, params: Params, stats: RunningStats, obs: Observation, carry: Carry, reset: jax.Array
    ) -> tuple[jax.Array, jax.Array, Carry]:
        """One step for evaluation: mean actions, float32 [B, A], not clipped; object positions, float32
        [B, 3], metres, world frame; the next carry, at first `initial_carry(B)`."""
        return self(params, stats, obs.policy, self.images(obs), carry, reset)

    def policy_step(
        self, params: Params, stats: RunningStats, obs: Observation, carry: Carry, reset: jax.Array
    ) -> tuple[jax.Array, Carry]:
        """`predict_step` without the object positions, as `Learner.policy_step` has none."""
        mean, _, carry = self.predict_step(params, stats, obs, carry, reset)
        return mean, carry
