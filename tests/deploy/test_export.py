"""The exported file alone does what the policy does, and describes itself."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import CameraConfig, Config, EnvConfig, NetworkConfig, ObservationConfig
from mjxdex.deploy import export as export_module
from mjxdex.deploy.export import ExportError, export
from mjxdex.learning.learner import make
from mjxdex.learning.normalizer import RunningStats
from mjxdex.types import Observation

onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("jax2onnx")

LAYOUT = [("joint_pos", 4), ("goal", 3)]
CONFIG = Config(
    name="tiny",
    env=EnvConfig(num_envs=4),
    camera=CameraConfig(width=32, height=24),
    network=NetworkConfig(
        cnn_filters=(4, 8),
        cnn_kernels=(6, 4),
        embedding=6,
        lstm_units=16,
        mlp=(16,),
        critic_mlp=(4,),
        critic_lstm_units=4,
        compute_dtype="float32",
    ),
)


def trained(config: Config, **more):
    depth_shape = (config.camera.height, config.camera.width) if config.observation.depth else None
    learner = make(config, 7, 3, depth_shape, **more)
    params = jax.jit(lambda key: learner.init(key, 4)[0].policy)(jax.random.key(3))
    params["mean"]["kernel"] *= 1000  # actions that differ from 0, some of them beyond 1
    stats = RunningStats(jnp.float32(10), jnp.linspace(-1, 1, 7), jnp.linspace(0.1, 2, 7))
    return learner, params, stats


def test_file_follows_the_policy_through_an_episode(tmp_path):
    learner, params, stats = trained(CONFIG)
    report = export(CONFIG, params, stats, LAYOUT, tmp_path / "policy.onnx", adr_level=7)
    assert report.action <= 1e-4 and report.state <= 1e-4 and report.steps == 200

    session = onnxruntime.InferenceSession(report.path)
    step = jax.jit(learner.policy_step)
    carry, state = learner.networks.initial_carries(3)[0], np.zeros((3, 2, 2, 16), np.float32)
    rng, clipped = np.random.default_rng(5), 0
    for _ in range(20):
        counts = rng.integers(5000, 13000, (3, 24, 32)).astype(np.uint16)
        obs = rng.normal(size=(3, 7)).astype(np.float32)
        inputs = {"depth": counts.astype(np.float32) * 1e-4, "observation": obs, "lstm_state": state}
        action, state = session.run(["action", "lstm_state_out"], inputs)
        observation = Observation(jnp.asarray(obs), jnp.zeros((3, 3)), jnp.asarray(counts))
        mean, carry = step(params, stats, observation, carry, jnp.zeros(3, bool))
        np.testing.assert_allclose(action, np.clip(mean, -1, 1), atol=1e-4)
        clipped += int((np.abs(mean) > 1).sum())
    assert clipped > 0
    np.testing.assert_allclose(state[:, 1, 0], carry[1][0], atol=1e-4)

    metadata = {entry.key: entry.value for entry in onnx.load(report.path).metadata_props}
    assert metadata["config_name"] == "tiny" and json.loads(metadata["adr_level"]) == 7
    assert json.loads(metadata["observation_order"])[1] == {"name": "goal", "start": 4, "stop": 7}
    assert {"jax", "onnxruntime", "mjxdex"} <= set(json.loads(metadata["versions"]))
    assert metadata["parameters"].startswith("sha256:")


def test_pixels_outside_the_cameras_window_are_not_seen(tmp_path):
    _, params, stats = trained(CONFIG)
    session = onnxruntime.InferenceSession(
        export(CONFIG, params, stats, LAYOUT, tmp_path / "p.onnx", adr_level=0).path
    )
    image = np.full((1, 24, 32), 0.9, np.float32)
    rest = {"observation": np.zeros((1, 7), np.float32), "lstm_state": np.zeros((1, 2, 2, 16), np.float32)}

    def act(patch: float) -> np.ndarray:
        seen = image.copy()
        seen[:, 5:15, 5:15] = patch
        return session.run(["action"], {"depth": seen} | rest)[0]

    np.testing.assert_array_equal(act(2.0), act(0.0))
    assert np.abs(act(0.7) - act(0.0)).max() > 1e-4


def test_feed_forward_state_policy_has_one_input_and_one_output(tmp_path):
    config = dataclasses.replace(
        CONFIG,
        observation=ObservationConfig(depth=False),
        network=dataclasses.replace(CONFIG.network, lstm_layers=0),
    )
    _, params, stats = trained(config)
    report = export(config, params, stats, LAYOUT, tmp_path / "p.onnx", adr_level=0)
    session = onnxruntime.InferenceSession(report.path)
    assert [i.name for i in session.get_inputs()] == ["observation"]
    assert [o.name for o in session.get_outputs()] == ["action"]
    assert report.state == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"mlp_position": "before", "depth_shift": 0.9, "depth_scale": 2.5},
        {"lstm_skip": True, "pooling": "none"},
    ],
)
def test_every_kind_of_network_is_exported(tmp_path, changes):
    network = dataclasses.replace(CONFIG.network, **changes)
    config = dataclasses.replace(CONFIG, network=network)
    _, params, stats = trained(config)
    report = export(config, params, stats, LAYOUT, tmp_path / "p.onnx", adr_level=0)
    assert report.action <= 1e-4 and report.state > 0


def test_what_was_predicted_in_training_is_no_output(tmp_path):
    _, params, stats = trained(CONFIG, predicted={"object_pos": np.arange(3)})
    assert "prediction" in params
    report = export(CONFIG, params, stats, LAYOUT, tmp_path / "p.onnx", adr_level=0)
    outputs = onnxruntime.InferenceSession(report.path).get_outputs()
    assert [output.name for output in outputs] == ["action", "lstm_state_out"]


def test_a_file_that_differs_is_not_written_and_the_old_one_stays(tmp_path, monkeypatch):
    _, params, stats = trained(CONFIG)
    path = tmp_path / "policy.onnx"
    path.write_bytes(b"old")
    monkeypatch.setattr(export_module, "TOLERANCE", 0.0)
    with pytest.raises(ExportError, match="differ by .* was not written"):
        export(CONFIG, params, stats, LAYOUT, path, adr_level=0)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_layout_of_the_wrong_size_is_an_error(tmp_path):
    _, params, stats = trained(CONFIG)
    with pytest.raises(ExportError, match="names 4 observations, but the policy sees 7"):
        export(CONFIG, params, stats, LAYOUT[:1], tmp_path / "policy.onnx", adr_level=0)
