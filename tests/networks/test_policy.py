"""Shapes, sizes and the two forms of policy and critic."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mjxdex.config import NetworkConfig
from mjxdex.networks.critic import Critic
from mjxdex.networks.layers import Draws
from mjxdex.networks.lstm import initial_carry
from mjxdex.networks.policy import Policy

TINY = NetworkConfig(
    cnn_filters=(4, 8),
    cnn_kernels=(6, 4),
    embedding=6,
    lstm_units=8,
    mlp=(8,),
    critic_mlp=(8,),
    critic_lstm_units=8,
    compute_dtype="float32",
)


def draws() -> Draws:
    return Draws(jax.random.uniform(jax.random.key(0), (100_000,)))


def parameters(module: nnx.Module) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(module, nnx.Param)))


def test_papers_policy_has_the_expected_size():
    policy = nnx.eval_shape(lambda: Policy(NetworkConfig(), 159, 11, depth=(120, 160), draw=Draws()))
    inputs = 159 + 32
    convolutions = 6 * 6 * 16 + 4 * 4 * (16 * 32 + 32 * 64 + 64 * 128) + 3 * (16 + 32 + 64 + 128)
    lstm = 4 * 1024 * (inputs + 1024 + 1) + 4 * 1024 * (1024 + 1024 + 1)
    mlp = 1025 * 512 + 513 * 512 + 513 * 256 + 257 * 11
    assert parameters(policy) == convolutions + 129 * 32 + lstm + mlp + 11


@pytest.mark.parametrize(
    ("layers", "depth", "changes"),
    [
        (0, False, {}),
        (1, False, {}),
        (2, True, {}),
        (2, True, {"mlp_position": "before"}),
        (0, True, {"mlp_position": "before"}),
        (1, True, {"lstm_skip": True, "pooling": "none"}),
        (1, False, {"lstm_skip": True, "mlp_position": "before"}),
    ],
)
def test_sequence_equals_steps(layers, depth, changes):
    config = dataclasses.replace(TINY, lstm_layers=layers, **changes)
    policy = Policy(config, 5, 3, depth=(20, 24) if depth else None, draw=draws(), predicted=2)
    policy.mean.kernel[...] = policy.mean.kernel[...] * 100
    graph, params = nnx.split(policy)
    run = jax.jit(lambda *inputs: nnx.merge(graph, params)(*inputs))
    obs = jax.random.normal(jax.random.key(1), (4, 2, 5))
    images = jax.random.randint(jax.random.key(2), (4, 2, 20, 24), 5000, 13000).astype(jnp.uint16)
    reset = jnp.zeros((4, 2), bool).at[2, 0].set(True)
    carry = initial_carry(layers, 8, 2)
    means, told, _ = run(obs, images if depth else None, carry, reset)
    assert means.shape == (4, 2, 3) and told.shape == (4, 2, 2)
    for t in range(4):
        mean, now, carry = run(obs[t], images[t] if depth else None, carry, reset[t])
        np.testing.assert_allclose(means[t], mean, atol=1e-5)
        np.testing.assert_allclose(told[t], now, atol=1e-5)


def test_the_mlp_stands_before_or_after_the_lstm():
    kernels = {}
    for position in ("after", "before"):
        config = dataclasses.replace(TINY, lstm_layers=1, lstm_units=16, mlp=(12,), mlp_position=position)
        policy = Policy(config, 5, 3, depth=None, draw=draws())
        parts = (policy.mlp.layers[0].kernel, policy.lstm.layers[0].kernel_in, policy.mean.kernel)
        kernels[position] = [part.shape for part in parts]
    assert kernels["after"] == [(16, 12), (5, 64), (12, 3)]
    assert kernels["before"] == [(5, 12), (12, 64), (16, 3)]


def test_the_mlp_behind_a_skipped_lstm_sees_the_input_itself():
    policy = Policy(dataclasses.replace(TINY, lstm_skip=True), 5, 3, depth=None, draw=draws())
    assert policy.norm is not None and policy.mlp.layers[0].kernel.shape == (8 + 5, 8)
    policy.mean.kernel[...] = policy.mean.kernel[...] * 100
    policy.norm.scale[...] = policy.norm.scale[...] * 0  # nothing comes through the LSTM
    obs, reset = jax.random.normal(jax.random.key(1), (2, 5)), jnp.zeros(2, bool)
    mean, _, _ = policy(obs, None, initial_carry(2, 8, 2), reset)
    assert np.abs(mean[0] - mean[1]).max() > 1e-2


def test_a_depth_policy_without_images_is_an_error():
    policy = Policy(TINY, 5, 3, depth=(20, 24), draw=draws())
    with pytest.raises(ValueError, match="needs depth images"):
        policy(jnp.zeros((2, 5)), None, initial_carry(2, 8, 2), jnp.zeros(2, bool))


def test_critic_remembers_and_resets():
    critic = Critic(TINY, 5, draw=draws())
    obs = jax.random.normal(jax.random.key(1), (3, 2, 5))
    reset = jnp.zeros((3, 2), bool).at[2, 0].set(True)
    values, _ = critic(obs, initial_carry(1, 8, 2), reset)
    alone, _ = critic(obs[2], initial_carry(1, 8, 2), jnp.zeros(2, bool))
    assert values.shape == (3, 2)
    np.testing.assert_allclose(values[2, 0], alone[0], atol=1e-6)
    assert abs(values[2, 1] - alone[1]) > 1e-4
