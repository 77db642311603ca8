"""The asymmetric critic: value of the privileged state, with a memory of its own."""

import jax
import jax.numpy as jnp
from flax import nnx

from mjxdex.config import NetworkConfig
from mjxdex.networks.layers import Draws, LayerNorm, Linear, Mlp
from mjxdex.networks.lstm import Carry, LstmStack


class Critic(nnx.Module):
    """MLP → joined with the state → LSTM → LayerNorm → joined with the state → value.

    Source: central critic of the published DextrAH task.
    """

    def __init__(self, config: NetworkConfig, observation: int, *, draw: Draws):
        dtype = jnp.dtype(config.compute_dtype)
        units = config.critic_lstm_units
        self.mlp = Mlp(observation, config.critic_mlp, draw=draw, dtype=dtype)
        self.lstm = LstmStack(self.mlp.outputs + observation, units, 1, draw=draw, dtype=dtype)
        self.norm = LayerNorm(units)
        self.value = Linear(units + observation, 1, draw=draw)

    def __call__(self, obs: jax.Array, carry: Carry, reset: jax.Array) -> tuple[jax.Array, Carry]:
        """Values of one step (no time axis) or of whole sequences (time first).

        Args:
          obs: Normalized privileged observation, float32 [(T,) B, C].
          carry: LSTM state before the first step, one (cell, hidden).
          reset: bool [(T,) B], set where an episode starts at this step.

        Returns:
          Values, float32 [(T,) B], in units of normalized returns, and the carry after the last step.
        """
        x = jnp.concatenate([self.mlp(obs), obs], axis=-1)
        x, carry = self.lstm(x, carry, reset)
        x = jnp.concatenate([self.norm(x), obs], axis=-1)
        return self.value(x)[..., 0], carry
