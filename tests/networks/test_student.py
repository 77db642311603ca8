import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mjxdex.config import CameraConfig, Config, DistillConfig, NetworkConfig, ObservationConfig
from mjxdex.config_rgb import RgbConfig
from mjxdex.networks.layers import Draws
from mjxdex.networks.lstm import initial_carry
from mjxdex.networks.student import Student

TINY = Config(
    observation=ObservationConfig(depth=False, stereo=True),
    camera=CameraConfig(width=24, height=20),
    rgb=RgbConfig(width=24, height=20),
    network=NetworkConfig(
        cnn_filters=(4, 8), cnn_kernels=(6, 4), embedding=6, lstm_layers=1, lstm_units=8, mlp=(8,),
        compute_dtype="float32",
    ),
    distill=DistillConfig(token_width=8, heads=2, blocks=1, token_mlp=8, object_mlp=(8,)),
)  # fmt: skip
DEPTH = dataclasses.replace(TINY, observation=ObservationConfig(depth=True))
STATE = dataclasses.replace(TINY, observation=ObservationConfig(depth=False))


def student(config: Config) -> Student:
    return Student(config, 5, 3, draw=Draws(jax.random.uniform(jax.random.key(0), (100_000,))))


def images(config: Config, batch: tuple[int, ...]) -> jax.Array | None:
    if config.observation.stereo:
        return jax.random.randint(jax.random.key(2), (*batch, 2, 20, 24, 3), 0, 256).astype(jnp.uint8)
    if config.observation.depth:
        return jax.random.randint(jax.random.key(2), (*batch, 20, 24), 5000, 13000).astype(jnp.uint16)
    return None


@pytest.mark.parametrize("config", [TINY, DEPTH, STATE], ids=["stereo", "depth", "state"])
def test_sequence_equals_steps(config: Config):
    graph, params = nnx.split(student(config))
    run = jax.jit(lambda *inputs: nnx.merge(graph, params)(*inputs))
    obs, seen = jax.random.normal(jax.random.key(1), (4, 2, 5)), images(config, (4, 2))
    reset = jnp.zeros((4, 2), bool).at[2, 0].set(True)
    carry = initial_carry(1, 8, 2)
    mean, object_pos, _ = run(obs, seen, carry, reset)
    assert mean.shape == (4, 2, 3) and object_pos.shape == (4, 2, 3)
    assert float(jnp.std(object_pos, axis=(0, 1)).min()) > 1e-3
    for t in range(4):
        now, where, carry = run(obs[t], None if seen is None else seen[t], carry, reset[t])
        np.testing.assert_allclose(mean[t], now, atol=1e-5)
        np.testing.assert_allclose(object_pos[t], where, atol=1e-5)


def test_both_eyes_count_and_floats_from_0_to_1_are_the_same_as_bytes():
    network, obs, seen = student(TINY), jnp.zeros((2, 5)), images(TINY, (2,))
    assert seen is not None

    @jax.jit
    def where(seen: jax.Array) -> jax.Array:
        return network(obs, seen, initial_carry(1, 8, 2), jnp.zeros(2, bool))[1]

    np.testing.assert_allclose(where(seen.astype(jnp.float32) / 255), where(seen), atol=1e-6)
    for eye in range(2):
        assert np.abs(where(seen.at[:, eye].set(0)) - where(seen)).max() > 1e-4


def test_the_backbone_is_shared_and_dropout_acts_while_learning_only():
    network, obs, seen = student(TINY), jnp.zeros((2, 5)), images(TINY, (2,))
    backbone = nnx.state(network.encoder.backbone, nnx.Param)  # pyright: ignore
    assert sum(leaf.size for leaf in jax.tree.leaves(backbone)) == 36 * 3 * 4 + 16 * 4 * 8 + 3 * (4 + 8)
    carry, reset = initial_carry(1, 8, 2), jnp.zeros(2, bool)
    keys = jax.random.split(jax.random.key(3), 2)
    acting = jax.jit(lambda: network(obs, seen, carry, reset)[1])()
    learning = jax.jit(lambda keys: network(obs, seen, carry, reset, keys)[1])
    assert np.abs(acting - learning(keys)).max() > 1e-4
    np.testing.assert_array_equal(learning(keys), learning(keys))
    assert np.abs(learning(keys) - learning(keys[::-1])).max() > 1e-4


def test_a_student_without_its_images_is_an_error():
    with pytest.raises(ValueError, match="needs images"):
        student(TINY)(jnp.zeros((2, 5)), None, initial_carry(1, 8, 2), jnp.zeros(2, bool))
