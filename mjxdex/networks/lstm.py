"""Long short-term memory with resets inside the sequence and the input projected for all steps at once."""

import jax
import jax.numpy as jnp
from flax import nnx

from mjxdex.networks.layers import Draws, matmul

Carry = tuple[tuple[jax.Array, jax.Array], ...]
"""(cell, hidden) of every layer, in this order, each float32 [B, units]."""


def initial_carry(layers: int, units: int, batch: int) -> Carry:
    """The zero carry that an episode starts from: `layers` pairs (cell, hidden) of float32 [batch, units]."""
    return tuple((jnp.zeros((batch, units)), jnp.zeros((batch, units))) for _ in range(layers))


class Lstm(nnx.Module):
    """One LSTM layer; gates in the order input, forget, candidate, output.

    i, f, o = σ(W x + U h + b), g = tanh(W x + U h + b), c' = f c + i g, h' = o tanh(c').
    Matrix products run in `dtype` and are summed in float32; gates and carry are float32. Kernels start
    uniform in ±1/√units. The forget bias starts at 1, so that a fresh cell remembers (Jozefowicz et al.
    2015); all others at 0.

    Source: Hochreiter & Schmidhuber 1997; Gers et al. 2000.
    """

    def __init__(self, inputs: int, units: int, *, draw: Draws, dtype=jnp.float32):
        self.dtype = jnp.dtype(dtype)
        self.kernel_in = nnx.Param(draw((inputs, 4 * units), units**-0.5))
        self.kernel_rec = nnx.Param(draw((units, 4 * units), units**-0.5))
        self.bias = nnx.Param(jnp.zeros(4 * units).at[units : 2 * units].set(1.0))

    def step(
        self, x: jax.Array, carry: tuple[jax.Array, jax.Array], reset: jax.Array
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        """One step of x [B, inputs] with reset bool [B] → hidden [B, units], carry (cell, hidden).

        Where `reset` is set, the carry is zeroed before the step.
        """
        carry, _ = _step(self._project(x), self.kernel_rec[...], carry, reset, self.dtype)
        return carry[1], carry

    def sequence(
        self, x: jax.Array, carry: tuple[jax.Array, jax.Array], reset: jax.Array
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        """All steps of x [T, B, inputs] with reset bool [T, B] → hidden [T, B, units], last carry."""
        return _sequence(self._project(x), self.kernel_rec[...], carry, reset, self.dtype)

    def _project(self, x: jax.Array) -> jax.Array:
        return matmul(x, self.kernel_in[...], self.dtype) + self.bias[...]


class LstmStack(nnx.Module):
    """LSTM layers on top of each other; no layers pass their input through."""

    def __init__(self, inputs: int, units: int, layers: int, *, draw: Draws, dtype=jnp.float32):
        self.layers = nnx.List(
            [Lstm(units if i else inputs, units, draw=draw, dtype=dtype) for i in range(layers)]
        )
        self.outputs = units if layers else inputs

    def __call__(self, x: jax.Array, carry: Carry, reset: jax.Array) -> tuple[jax.Array, Carry]:
        """Runs one step, x [B, inputs] with reset [B], or a sequence, x [T, B, inputs] with reset [T, B].

        Args:
          x: float32 inputs.
          carry: State before the first step, (cell, hidden) a layer.
          reset: bool, set where an episode starts; the carry is zeroed just before that step.

        Returns:
          Hidden states of the last layer, [..., units], and the carry after the last step.
        """
        carries = []
        for layer, layer_carry in zip(self.layers, carry, strict=True):
            run = layer.sequence if x.ndim == 3 else layer.step
            x, layer_carry = run(x, layer_carry, reset)
            carries.append(layer_carry)
        return x, tuple(carries)


def _step(projected, kernel, carry, reset, dtype):
    """One step from projected inputs [B, 4 units]: the new carry and the gates' activations."""
    cell, hidden = (jnp.where(reset[:, None], 0.0, part) for part in carry)
    i, f, g, o = jnp.split(projected + matmul(hidden, kernel, dtype), 4, axis=-1)
    i, f, g, o = nnx.sigmoid(i), nnx.sigmoid(f), jnp.tanh(g), nnx.sigmoid(o)
    cell = f * cell + i * g
    return (cell, o * jnp.tanh(cell)), (i, f, g, o)


def _whole_sequence(projected, kernel, carry, reset, dtype):
    """Hidden states [T, B, units] and last carry; the kernel's gradient is one product over all steps."""
    (hidden, carry), _ = _sequence_forward(projected, kernel, carry, reset, dtype)
    return hidden, carry


def _sequence_forward(projected, kernel, carry, reset, dtype):
    def step(carry, inputs):
        carry, gates = _step(inputs[0], kernel, carry, inputs[1], dtype)
        return carry, (carry, gates)

    last, ((cells, hidden), gates) = jax.lax.scan(step, carry, (projected, reset))
    return (hidden, last), (kernel, carry, reset, cells, hidden, gates)


def _sequence_backward(dtype, saved, grads):
    kernel, (cell, first), reset, cells, hidden, gates = saved
    dhidden, last = grads
    before = [jnp.concatenate([a[None], b[:-1]]) for a, b in ((cell, cells), (first, hidden))]
    cells_before, hidden_before = (jnp.where(reset[..., None], 0.0, part) for part in before)

    def step(carry, inputs):
        dc, dh = carry
        dh_out, cell, cell_before, (i, f, g, o), reset = inputs
        dh, tanh = dh + dh_out, jnp.tanh(cell)
        dc = dc + dh * o * (1 - tanh**2)
        dgates = (dc * g * i * (1 - i), dc * cell_before * f * (1 - f), dc * i * (1 - g**2))
        dgates = jnp.concatenate([*dgates, dh * tanh * o * (1 - o)], axis=-1)
        carry = (dc * f, matmul(dgates, kernel.T, dtype))
        return tuple(jnp.where(reset[:, None], 0.0, part) for part in carry), dgates

    inputs = (dhidden, cells, cells_before, gates, reset)
    dcarry, dgates = jax.lax.scan(step, last, inputs, reverse=True)
    units = kernel.shape[0]
    dkernel = matmul(hidden_before.reshape(-1, units).T, dgates.reshape(-1, 4 * units), dtype)
    return dgates, dkernel, dcarry, None


_sequence = jax.custom_vjp(_whole_sequence, nondiff_argnums=(4,))
_sequence.defvjp(_sequence_forward, _sequence_backward)
