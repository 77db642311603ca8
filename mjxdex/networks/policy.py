"""The policy: depth embedding and vector observation → LSTM → MLP → Gaussian over actions."""

import jax
import jax.numpy as jnp
from flax import nnx

from mjxdex.config import NetworkConfig
from mjxdex.networks.cnn import DepthEncoder
from mjxdex.networks.layers import Draws, LayerNorm, Linear, Mlp
from mjxdex.networks.lstm import Carry, LstmStack


class Policy(nnx.Module):
    """CNN-LSTM policy with a state-independent standard deviation.

    [DepthEncoder(depth), obs] → `lstm_layers` LSTM layers → MLP with ELU → mean. Without LSTM layers it is
    a feed-forward policy, without a camera a state policy. With `mlp_position` before, MLP and LSTM change
    places. With `lstm_skip` the LSTM's output is normalized and joined with its input. The last layer starts
    small, so that the first actions are the exploration noise around 0. `predicted` numbers, linear in what
    comes from the LSTM, may be learned beside the actions.

    Source: paper, Sec. III-B; the MLP before the LSTM: Espeholt et al. 2018 (IMPALA); `lstm_skip`: the
    published DextrAH state teacher.
    """

    def __init__(
        self,
        config: NetworkConfig,
        observation: int,
        actions: int,
        *,
        depth: tuple[int, int] | None,
        draw: Draws,
        predicted: int = 0,
    ):
        dtype = jnp.dtype(config.compute_dtype)
        self.encoder = DepthEncoder(config, depth, draw=draw) if depth else None
        inputs = observation + (config.embedding if depth else 0)
        self.mlp_first = config.mlp_position == "before"
        sizes = (config.lstm_units, config.lstm_layers)
        if self.mlp_first:
            self.mlp = Mlp(inputs, config.mlp, draw=draw, dtype=dtype)
            inputs = self.mlp.outputs
        self.lstm = LstmStack(inputs, *sizes, draw=draw, dtype=dtype)
        remembered = self.lstm.outputs + (inputs if config.lstm_skip else 0)
        if not self.mlp_first:
            self.mlp = Mlp(remembered, config.mlp, draw=draw, dtype=dtype)
        self.mean = Linear(remembered if self.mlp_first else self.mlp.outputs, actions, draw=draw, gain=0.01)
        self.log_std = nnx.Param(jnp.full(actions, config.init_log_std, jnp.float32))
        self.prediction = Linear(remembered, predicted, draw=draw) if predicted else None
        self.norm = LayerNorm(self.lstm.outputs) if config.lstm_skip else None

    def __call__(
        self, obs: jax.Array, depth: jax.Array | None, carry: Carry, reset: jax.Array
    ) -> tuple[jax.Array, jax.Array | None, Carry]:
        """Mean actions of one step (no time axis) or of whole sequences (time first).

        Args:
          obs: Normalized vector observation, float32 [(T,) B, P].
          depth: uint16 [(T,) B, H, W] in DEPTH_UNIT or floating point in metres; None without a camera.
          carry: LSTM state before the first step, (cell, hidden) a layer.
          reset: bool [(T,) B], set where an episode starts at this step.

        Returns:
          Mean, float32 [(T,) B, actions]; what is predicted, float32 [(T,) B, predicted], or None; the carry
          after the last step.
        """
        x = obs
        if self.encoder is not None:
            if depth is None:
                raise ValueError("this policy has a depth encoder; it needs depth images, not None")
            embedding = self.encoder(depth.reshape(-1, *depth.shape[-2:]))
            x = jnp.concatenate([embedding.reshape(*obs.shape[:-1], -1), obs], axis=-1)
        if self.mlp_first:
            x = self.mlp(x)
        hidden, carry = self.lstm(x, carry, reset)
        if self.norm is not None:
            hidden = jnp.concatenate([self.norm(hidden), x], axis=-1)
        mean = self.mean(hidden if self.mlp_first else self.mlp(hidden))
        return mean, None if self.prediction is None else self.prediction(hidden), carry
