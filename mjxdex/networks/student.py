"""The student: images and proprioception → LSTM → MLP → actions, and where it believes the object to be."""

import jax
import jax.numpy as jnp
from flax import nnx

from mjxdex.config import Config
from mjxdex.networks.cnn import DepthEncoder
from mjxdex.networks.layers import Draws, LayerNorm, Linear, Mlp
from mjxdex.networks.lstm import Carry, LstmStack
from mjxdex.networks.stereo import StereoEncoder


class Student(nnx.Module):
    """x = [encoder(images), obs] → LSTM → LayerNorm → joined with x → MLP with ELU → mean.

    A second MLP of its own takes the first one's result, joined with x, to the position of the object. The
    encoder is that of stereo images, of depth images, or none, as `config.observation` says. The standard
    deviation is state-independent.

    Source: published DextrAH stereo student; robot_and_fabric.md 7.3, without its value head.
    """

    def __init__(self, config: Config, observation: int, actions: int, *, draw: Draws):
        network, dtype = config.network, jnp.dtype(config.network.compute_dtype)
        if config.observation.stereo:
            self.encoder = StereoEncoder(config, draw=draw)
        else:
            image = (config.camera.height, config.camera.width)
            self.encoder = DepthEncoder(network, image, draw=draw) if config.observation.depth else None
        inputs = observation + (0 if self.encoder is None else network.embedding)
        self.lstm = LstmStack(inputs, network.lstm_units, network.lstm_layers, draw=draw, dtype=dtype)
        self.norm = LayerNorm(self.lstm.outputs)
        self.mlp = Mlp(self.lstm.outputs + inputs, network.mlp, draw=draw, dtype=dtype)
        self.mean = Linear(self.mlp.outputs, actions, draw=draw, gain=0.01)
        self.log_std = nnx.Param(jnp.full(actions, network.init_log_std, jnp.float32))
        self.object_mlp = Mlp(self.mlp.outputs + inputs, config.distill.object_mlp, draw=draw, dtype=dtype)
        self.object_pos = Linear(self.object_mlp.outputs, 3, draw=draw)

    def __call__(
        self,
        obs: jax.Array,
        images: jax.Array | None,
        carry: Carry,
        reset: jax.Array,
        keys: jax.Array | None = None,
    ) -> tuple[jax.Array, jax.Array, Carry]:
        """One step (no time axis) or whole sequences (time first).

        Args:
          obs: Normalized vector observation, float32 [(T,) B, P].
          images: [(T,) B, ...] as the encoder takes them; None without one.
          carry: LSTM state before the first step, (cell, hidden) a layer.
          reset: bool [(T,) B], set where an episode starts at this step.
          keys: PRNG keys [(T,) B] for dropout; None while acting.

        Returns:
          Mean actions, float32 [(T,) B, actions]; object positions, float32 [(T,) B, 3], metres, world frame;
          the carry after the last step.
        """
        x, batch = obs, obs.shape[:-1]
        if self.encoder is not None:
            if images is None:
                raise ValueError("this student has an encoder; it needs images, not None")
            images = images.reshape(-1, *images.shape[len(batch) :])
            if isinstance(self.encoder, StereoEncoder):
                embedding = self.encoder(images, None if keys is None else keys.reshape(-1))
            else:
                embedding = self.encoder(images)
            x = jnp.concatenate([embedding.reshape(*batch, -1), x], axis=-1)
        hidden, carry = self.lstm(x, carry, reset)
        hidden = self.mlp(jnp.concatenate([self.norm(hidden), x], axis=-1))
        object_pos = self.object_pos(self.object_mlp(jnp.concatenate([hidden, x], axis=-1)))
        return self.mean(hidden), object_pos, carry
