"""Long short-term memory with resets inside the sequence and the input projected for all steps at once."""

import jax
import jax.numpy as jnp
from flax import nnx

from mjxdex.networks.layers import Draws, aligned, matmul

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
        projected = matmul(x, self.kernel_in[...], self.dtype) + self.bias[...]
        carry, _ = _step(projected, self.kernel_rec[...], carry, reset, self.dtype)
        return carry[1], carry

    def sequence(
        self, x: jax.Array, carry: tuple[jax.Array, jax.Array], reset: jax.Array
    ) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        """All steps of x [T, B, inputs] with reset bool [T, B] → hidden [T, B, units], last carry."""
        x, kernel_in = aligned(x, self.kernel_in[...], self.dtype)
        return _sequence(x, kernel_in, self.kernel_rec[...], self.bias[...], carry, reset, self.dtype)


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


def _unrolled() -> int:
    """Steps in a loop's body: many on a GPU, which spares copies; one on a CPU, which compiles sooner."""
    return 1 if jax.default_backend() == "cpu" else 16


def _whole_sequence(x, kernel_in, kernel_rec, bias, carry, reset, dtype):
    """Hidden states [T, B, units] and last carry.

    The backward loop only finds the gradients of the gates; those of the kernels and inputs are one product
    over all steps each. The gates and their gradients are kept in `dtype`, in which the products take them.
    """
    (hidden, carry), _ = _sequence_forward(x, kernel_in, kernel_rec, bias, carry, reset, dtype)
    return hidden, carry


def _sequence_forward(x, kernel_in, kernel_rec, bias, carry, reset, dtype):
    x, kernel_in, kernel_rec = (a.astype(dtype) for a in (x, kernel_in, kernel_rec))

    def step(carry, inputs):
        carry, gates = _step(inputs[0], kernel_rec, carry, inputs[1], dtype)
        return carry, (carry, tuple(gate.astype(dtype) for gate in gates))

    inputs = (matmul(x, kernel_in, dtype) + bias, reset)
    last, ((cells, hidden), gates) = jax.lax.scan(step, carry, inputs, unroll=_unrolled())
    return (hidden, last), (x, kernel_in, kernel_rec, carry, reset, cells, hidden, gates)


def _sequence_backward(dtype, saved, grads):
    x, kernel_in, kernel_rec, (cell, first), reset, cells, hidden, gates = saved
    dhidden, last = grads
    before = [jnp.concatenate([a[None], b[:-1]]) for a, b in ((cell, cells), (first, hidden))]
    cells_before, hidden_before = (jnp.where(reset[..., None], 0.0, part) for part in before)

    def step(carry, inputs):
        dc, dh = carry
        dh_out, cell, cell_before, gates, reset = inputs
        i, f, g, o = (gate.astype(jnp.float32) for gate in gates)
        dh, tanh = dh + dh_out, jnp.tanh(cell)
        dc = dc + dh * o * (1 - tanh**2)
        dgates = (dc * g * i * (1 - i), dc * cell_before * f * (1 - f), dc * i * (1 - g**2))
        dgates = jnp.concatenate([*dgates, dh * tanh * o * (1 - o)], axis=-1).astype(dtype)
        carry = (dc * f, matmul(dgates, kernel_rec.T, dtype))
        return tuple(jnp.where(reset[:, None], 0.0, part) for part in carry), dgates

    inputs = (dhidden, cells, cells_before, gates, reset)
    dcarry, dgates = jax.lax.scan(step, last, inputs, reverse=True, unroll=_unrolled())
    dx = matmul(dgates, kernel_in.T, dtype)
    rows = dgates.reshape(-1, dgates.shape[-1])
    dkernel_in, dkernel_rec = (matmul(a.reshape(-1, a.shape[-1]).T, rows, dtype) for a in (x, hidden_before))
    return dx, dkernel_in, dkernel_rec, jnp.sum(rows, axis=0, dtype=jnp.float32), dcarry, None


_sequence = jax.custom_vjp(_whole_sequence, nondiff_argnums=(6,))
_sequence.defvjp(_sequence_forward, _sequence_backward)
