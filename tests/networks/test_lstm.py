"""The LSTM against numpy, its two forms against each other, and its resets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mjxdex.networks.layers import Draws
from mjxdex.networks.lstm import Lstm, LstmStack, initial_carry

T, B, INPUTS, UNITS = 7, 3, 5, 4


def draws() -> Draws:
    return Draws(jax.random.uniform(jax.random.key(0), (100_000,)))


def numpy_step(layer: Lstm, x: np.ndarray, cell: np.ndarray, hidden: np.ndarray):
    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    kernel_in, kernel_rec, bias = (
        np.asarray(p[...]) for p in (layer.kernel_in, layer.kernel_rec, layer.bias)
    )
    i, f, g, o = np.split(x @ kernel_in + hidden @ kernel_rec + bias, 4, axis=-1)
    cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
    return cell, sigmoid(o) * np.tanh(cell)


def random_case(seed: int = 0):
    keys = jax.random.split(jax.random.key(seed), 5)
    x = jax.random.normal(keys[0], (T, B, INPUTS))
    carry = tuple(
        (jax.random.normal(k, (B, UNITS)), jax.random.normal(jax.random.fold_in(k, 1), (B, UNITS)))
        for k in keys[1:3]
    )
    reset = jax.random.bernoulli(keys[3], 0.3, (T, B))
    return x, carry, reset


def stack(layers: int = 2) -> LstmStack:
    return LstmStack(INPUTS, UNITS, layers, draw=draws())


def test_step_equals_a_cell_written_out_in_numpy():
    layer = Lstm(INPUTS, UNITS, draw=draws())
    x, ((cell, hidden), _), _ = random_case()
    out, (next_cell, next_hidden) = layer.step(x[0], (cell, hidden), jnp.zeros(B, bool))
    want_cell, want_hidden = numpy_step(layer, *(np.asarray(a, np.float64) for a in (x[0], cell, hidden)))
    np.testing.assert_allclose(next_cell, want_cell, atol=1e-6)
    np.testing.assert_allclose(out, want_hidden, atol=1e-6)
    np.testing.assert_array_equal(out, next_hidden)


def test_forget_gate_starts_open():
    bias = np.asarray(Lstm(INPUTS, UNITS, draw=draws()).bias[...])
    np.testing.assert_array_equal(bias.reshape(4, UNITS).sum(axis=1), [0, UNITS, 0, 0])


def test_sequence_equals_steps_with_resets():
    lstm, (x, carry, reset) = stack(), random_case()
    assert 0 < int(reset[1:].sum()) < reset[1:].size
    hidden, last = lstm(x, carry, reset)
    for t in range(T):
        step, carry = lstm(x[t], carry, reset[t])
        np.testing.assert_allclose(hidden[t], step, atol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), last, carry)


def test_reset_forgets_everything_before_it():
    lstm, (x, carry, _) = stack(), random_case()
    reset = jnp.zeros((T, B), bool).at[4, 1].set(True)
    hidden, _ = lstm(x, carry, reset)
    fresh, _ = lstm(x[4:], initial_carry(2, UNITS, B), jnp.zeros((T - 4, B), bool))
    np.testing.assert_allclose(hidden[4:, 1], fresh[:, 1], atol=1e-6)
    assert np.abs(hidden[4:, 0] - fresh[:, 0]).max() > 1e-2


def test_reset_stops_gradients_through_time():
    lstm, (x, carry, _) = stack(), random_case()
    reset = jnp.zeros((T, B), bool).at[4, 1].set(True)
    grads = jax.grad(lambda x: lstm(x, carry, reset)[0][-1].sum())(x)
    assert np.abs(grads[:4, 1]).max() == 0
    assert np.abs(grads[:4, 0]).max() > 0


def test_bfloat16_keeps_the_carry_in_float32():
    lstm = LstmStack(INPUTS, UNITS, 2, draw=draws(), dtype=jnp.bfloat16)
    x, carry, reset = random_case()
    hidden, last = lstm(x, carry, reset)
    assert {leaf.dtype for leaf in jax.tree.leaves((hidden, last))} == {jnp.dtype("float32")}
    np.testing.assert_allclose(hidden, stack()(x, carry, reset)[0], atol=2e-2)


def test_no_layers_pass_the_input_through():
    x, _, reset = random_case()
    lstm = stack(layers=0)
    out, carry = lstm(x, (), reset)
    assert out is x and carry == () and lstm.outputs == INPUTS


def test_a_missing_layer_in_the_carry_is_an_error():
    x, carry, reset = random_case()
    with pytest.raises(ValueError):
        stack()(x, carry[:1], reset)


def test_gradients_of_a_sequence_equal_those_of_its_steps():
    lstm, (x, carry, reset) = stack(), random_case()
    graph, params = nnx.split(lstm)
    weights = jax.random.normal(jax.random.key(9), (T, B, UNITS))

    def whole(params, x, carry):
        hidden, last = nnx.merge(graph, params)(x, carry, reset)
        return (hidden * weights).sum() + sum(leaf.sum() for leaf in jax.tree.leaves(last))

    def stepwise(params, x, carry):
        total = 0.0
        for t in range(T):
            hidden, carry = nnx.merge(graph, params)(x[t], carry, reset[t])
            total += (hidden * weights[t]).sum()
        return total + sum(leaf.sum() for leaf in jax.tree.leaves(carry))

    got, want = (jax.jit(jax.grad(f, argnums=(0, 1, 2)))(params, x, carry) for f in (whole, stepwise))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=2e-5), got, want)
    assert min(np.abs(leaf).max() for leaf in jax.tree.leaves(got)) > 1e-2
