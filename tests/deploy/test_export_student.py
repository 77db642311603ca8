"""The exported student alone does what the student does, from the images of both eyes."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import CameraConfig, Config, DistillConfig, NetworkConfig, ObservationConfig
from mjxdex.config_rgb import RgbConfig
from mjxdex.deploy.export_student import export_student
from mjxdex.learning.normalizer import RunningStats
from mjxdex.learning.student_network import StudentNetwork

onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("jax2onnx")

LAYOUT = [("joint_pos", 4), ("goal", 3)]
CONFIG = Config(
    name="tiny",
    observation=ObservationConfig(depth=False, stereo=True),
    camera=CameraConfig(width=32, height=24),
    rgb=RgbConfig(width=32, height=24),
    network=NetworkConfig(
        cnn_filters=(4, 8), cnn_kernels=(6, 4), embedding=6, lstm_layers=1, lstm_units=16, mlp=(16,),
        compute_dtype="float32",
    ),
    distill=DistillConfig(
        teacher="somewhere", token_width=8, heads=2, blocks=2, token_mlp=16, object_mlp=(8,)
    ),
)  # fmt: skip


def trained(config: Config):
    network = StudentNetwork(config, 7)
    params = jax.jit(network.init)(jax.random.key(3))
    params["mean"]["kernel"] *= 300  # actions that differ from 0, some of them beyond 1
    stats = RunningStats(jnp.float32(10), jnp.linspace(-1, 1, 7), jnp.linspace(0.1, 2, 7))
    return network, params, stats


def test_file_follows_the_student_through_an_episode(tmp_path):
    network, params, stats = trained(CONFIG)
    report = export_student(CONFIG, params, stats, LAYOUT, tmp_path / "student.onnx", adr_level=50)
    assert max(report.action, report.state, report.object_pos) <= 1e-4 and report.steps == 200

    session = onnxruntime.InferenceSession(report.path)
    assert [i.name for i in session.get_inputs()] == ["left", "right", "observation", "lstm_state"]
    step = jax.jit(network)
    carry, state = network.initial_carry(3), np.zeros((3, 1, 2, 16), np.float32)
    rng, clipped, moved = np.random.default_rng(5), 0, []
    for _ in range(20):
        eyes = rng.integers(0, 256, (3, 2, 24, 32, 3)).astype(np.uint8)
        obs = rng.normal(size=(3, 7)).astype(np.float32)
        left, right = (eyes[:, i].astype(np.float32) / 255 for i in range(2))
        inputs = {"left": left, "right": right, "observation": obs, "lstm_state": state}
        action, object_pos, state = session.run(["action", "object_pos", "lstm_state_out"], inputs)
        mean, where, carry = step(params, stats, obs, eyes, carry, np.zeros(3, bool))
        np.testing.assert_allclose(action, np.clip(mean, -1, 1), atol=1e-4)
        np.testing.assert_allclose(object_pos, where, atol=1e-4)
        clipped += int((np.abs(mean) > 1).sum())
        moved.append(object_pos)
    assert clipped > 0 and np.std(moved) > 1e-2
    np.testing.assert_allclose(state[:, 0, 0], carry[0][0], atol=1e-4)

    model = onnx.load(report.path)
    convolutions = sum(node.op_type == "Conv" for node in model.graph.node)
    assert convolutions == len(CONFIG.network.cnn_filters), "both eyes go through the backbone at once"
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    units = json.loads(metadata["units"])
    assert "180 degrees" in units["right"] and "metres" in units["object_pos"]
    assert json.loads(metadata["inputs"])["left"] == ["B", 24, 32, 3]


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(
            dataclasses.replace(
                CONFIG,
                rgb=RgbConfig(width=64, height=48),
                distill=dataclasses.replace(CONFIG.distill, backbone="resnet18"),
            ),
            marks=pytest.mark.slow,
            id="resnet18",
        ),
        pytest.param(dataclasses.replace(CONFIG, observation=ObservationConfig(depth=True)), id="depth"),
    ],
)
def test_other_students(tmp_path, config):
    _, params, stats = trained(config)
    for block in params.get("encoder", {}).get("backbone", {}).get("blocks", {}).values():
        block["second"]["scale"] += 0.5  # fresh blocks pass their input on only
    report = export_student(config, params, stats, LAYOUT, tmp_path / "student.onnx", adr_level=50)
    assert max(report.action, report.state, report.object_pos) <= 1e-4
