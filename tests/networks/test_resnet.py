"""ResNet-18 against a second implementation in the layout and by the names of its weight files."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from mjxdex.config import UserError
from mjxdex.networks import resnet_weights
from mjxdex.networks.layers import Draws
from mjxdex.networks.resnet import ResNet18


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    """A random state dict with torchvision's names and shapes, statistics of batch normalization included."""
    rng = np.random.default_rng(0)
    state: dict[str, np.ndarray] = {}

    def conv(name: str, norm: str, out: int, inputs: int, size: int) -> None:
        scale = (2 / (inputs * size**2)) ** 0.5
        state[f"{name}.weight"] = rng.normal(0, scale, (out, inputs, size, size)).astype(np.float32)
        state[f"{norm}.weight"] = rng.uniform(0.5, 1.0, out).astype(np.float32)
        state[f"{norm}.bias"] = rng.normal(0, 0.1, out).astype(np.float32)
        state[f"{norm}.running_mean"] = rng.normal(0, 0.3, out).astype(np.float32)
        state[f"{norm}.running_var"] = rng.uniform(0.5, 2.0, out).astype(np.float32)

    conv("conv1", "bn1", 64, 3, 7)
    inputs = 64
    for layer, out in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            conv(f"layer{layer}.{block}.conv1", f"layer{layer}.{block}.bn1", out, inputs, 3)
            conv(f"layer{layer}.{block}.conv2", f"layer{layer}.{block}.bn2", out, out, 3)
            if block == 0 and layer > 1:
                conv(f"layer{layer}.0.downsample.0", f"layer{layer}.0.downsample.1", out, inputs, 1)
            inputs = out
    state["fc.weight"] = np.zeros((1000, 512), np.float32)
    return state


def forward(state: dict[str, np.ndarray], x: jax.Array) -> jax.Array:
    """torchvision's forward pass to layer4 in evaluation mode, NCHW."""

    def conv(x, name, norm, stride, pad):
        y = jax.lax.conv(x, state[f"{name}.weight"], (stride, stride), "VALID") if not pad else (
            jax.lax.conv_general_dilated(x, state[f"{name}.weight"], (stride, stride), [(pad, pad)] * 2)
        )  # fmt: skip
        shape = (1, -1, 1, 1)
        mean, var, gain, bias = (
            state[f"{norm}.{part}"].reshape(shape)
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (y - mean) / jnp.sqrt(var + 1e-5) * gain + bias

    x = jax.nn.relu(conv(x, "conv1", "bn1", 2, 3))
    window, strides = (1, 1, 3, 3), (1, 1, 2, 2)
    pads = [(0, 0), (0, 0), (1, 1), (1, 1)]
    x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, strides, pads)
    for layer in range(1, 5):
        for block in range(2):
            name, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            y = jax.nn.relu(conv(x, f"{name}.conv1", f"{name}.bn1", stride, 1))
            y = conv(y, f"{name}.conv2", f"{name}.bn2", 1, 1)
            if f"{name}.downsample.0.weight" in state:
                x = conv(x, f"{name}.downsample.0", f"{name}.downsample.1", stride, 0)
            x = jax.nn.relu(x + y)
    return x


@pytest.fixture(scope="module")
def network() -> ResNet18:
    counting = Draws()
    nnx.eval_shape(lambda: ResNet18(draw=counting))
    return ResNet18(draw=Draws(jax.random.uniform(jax.random.key(0), (counting.used,))))


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_weights_from_a_file_give_its_features(network, weights, tmp_path: Path, suffix: str):
    path = tmp_path / f"resnet18{suffix}"
    if suffix == ".npz":
        np.savez(path, **weights)
    else:
        pytest.importorskip("safetensors.numpy").save_file(weights, path)
    graph, fresh = nnx.split(network)
    loaded = resnet_weights.load(path)
    assert jax.tree.map(jnp.shape, loaded) == jax.tree.map(jnp.shape, nnx.to_pure_dict(fresh))
    images = jax.random.normal(jax.random.key(1), (2, 45, 70, 3))  # odd sizes: padding shows
    nnx.replace_by_pure_dict(fresh, loaded)
    features = jax.jit(lambda params, x: nnx.merge(graph, params)(x))(fresh, images)
    want = jax.jit(forward)(weights, images.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    assert features.shape == (2, *network.size(45, 70), 512) and float(want.std()) > 0.1
    np.testing.assert_allclose(features, want, rtol=1e-3, atol=1e-3 * float(want.max()))


def test_fresh_features_neither_vanish_nor_blow_up(network):
    features = jax.jit(lambda x: network(x))(jax.random.normal(jax.random.key(1), (2, 60, 80, 3)))
    assert 0.1 < float(features.std()) < 10


def test_other_files_are_errors(weights, tmp_path):
    def without(name: str) -> dict[str, np.ndarray]:
        return {key: value for key, value in weights.items() if key != name}

    with pytest.raises(UserError, match="has no layer3.0.downsample.0.weight; it must hold"):
        resnet_weights.convert(without("layer3.0.downsample.0.weight"), tmp_path)
    deeper = weights | {"layer1.0.conv1.weight": np.zeros((64, 64, 1, 1))}
    with pytest.raises(UserError, match=r"layer1.0.conv1.weight is \(64, 64, 1, 1\); resnet18 has"):
        resnet_weights.convert(deeper, tmp_path)
    with pytest.raises(UserError, match="there is no file"):
        resnet_weights.load(tmp_path / "nowhere.npz")
    (tmp_path / "weights.bin").touch()
    with pytest.raises(UserError, match="must end in .npz, .safetensors, .pth"):
        resnet_weights.load(tmp_path / "weights.bin")
