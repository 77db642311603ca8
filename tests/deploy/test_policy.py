"""The runner finds everything it needs in the file, and sees what the policy saw in training."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import pytest

from mjxdex.config import POLICY_TERMS, AdrConfig, Config, ObservationConfig, UserError
from mjxdex.deploy.interfaces import DepthImage, StereoImage
from mjxdex.deploy.observations import Known, assemble
from mjxdex.deploy.policy import OnnxPolicy, PolicyError
from mjxdex.fabric import FabricState
from mjxdex.robot import kinematics
from mjxdex.robot.tables import RESET_POS
from mjxdex.task import observations
from mjxdex.task.reset import fresh
from mjxdex.task.state import view
from tests.deploy.fresh_policy import export_fresh


def known_at_reset() -> Known:
    zero = np.zeros(23)
    points = kinematics.hand_points(RESET_POS)
    return Known(RESET_POS, zero, points, FabricState(RESET_POS, zero, zero), np.zeros(3), np.zeros(11))


@pytest.mark.parametrize("velocity_factor", [0.0, 0.5])
def test_observation_is_that_of_the_task(velocity_factor):
    """For every order of the terms that a robot knows, on a state at full randomization."""
    zero = jnp.zeros(1, jnp.int32)
    state = fresh(AdrConfig(), 5, zero, zero, jax.random.key(3), jnp.int32(50))
    rng = np.random.default_rng(0)
    state = state._replace(
        fabric=FabricState(*(jnp.asarray(rng.normal(size=(1, 23)), jnp.float32) for _ in range(3))),
        last_action=jnp.asarray(rng.uniform(-1, 1, (1, 11)), jnp.float32),
    )
    now = view(state.physics)
    known = Known(
        joint_pos=np.asarray(now.joint_pos[0], np.float64),
        joint_vel=np.asarray(now.joint_vel[0], np.float64),
        hand_points=kinematics.hand_points(np.asarray(now.joint_pos[0], np.float64)),
        fabric=FabricState(*(np.asarray(leaf[0], np.float64) for leaf in state.fabric)),
        goal=np.array(Config().env.goal_pos),
        last_action=np.asarray(state.last_action[0], np.float64),
    )
    assert np.abs(known.joint_vel).max() > 0.1
    for terms in (POLICY_TERMS, tuple(reversed(POLICY_TERMS)), ("hand_twist", "goal", "joint_vel")):
        expected = observations.group(terms, state, now, Config().env, 5, velocity_factor)
        found = assemble(terms, known, velocity_factor)
        assert found.dtype == np.float32 and found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=2e-6)


def test_file_says_everything(policy_file):
    policy = OnnxPolicy(policy_file)
    assert policy.config.name == "smoke" and policy.adr_level == 20
    assert policy.terms == policy.config.observation.policy
    assert policy.image_shapes == {"depth": (60, 80)}


def test_remembers_until_reset(policy_file):
    policy, known = OnnxPolicy(policy_file), known_at_reset()
    image = DepthImage(0.0, np.full((60, 80), 0.8, np.float32))
    first = policy.act(known, image).action
    second = policy.act(known, image).action
    assert np.abs(first).max() > 0.01 and np.abs(first - second).max() > 1e-4
    policy.reset()
    np.testing.assert_array_equal(policy.act(known, image).action, first)
    policy.reset()
    assert np.abs(policy.act(known, DepthImage(0.0, image.depth + 0.2)).action - first).max() > 1e-4


def test_object_head_is_read_if_there_is_one(policy_file, tmp_path):
    model = onnx.load(policy_file)
    value = onnx.helper.make_tensor("where", onnx.TensorProto.FLOAT, [1, 3], [-0.5, 0.1, 0.6])
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["object_pos"], value=value))
    model.graph.output.append(
        onnx.helper.make_tensor_value_info("object_pos", onnx.TensorProto.FLOAT, [1, 3])
    )
    onnx.save(model, tmp_path / "student.onnx")
    image = DepthImage(0.0, np.zeros((60, 80), np.float32))
    assert OnnxPolicy(policy_file).act(known_at_reset(), image).object_pos is None
    found = OnnxPolicy(tmp_path / "student.onnx").act(known_at_reset(), image).object_pos
    np.testing.assert_allclose(found, [-0.5, 0.1, 0.6], atol=1e-6)


def test_a_student_sees_both_eyes_the_right_one_turned(student_file):
    """Against a session that is given the network's inputs as the export documents them."""
    onnxruntime = pytest.importorskip("onnxruntime")
    policy, known = OnnxPolicy(student_file), known_at_reset()
    assert policy.image_shapes == {"left": (60, 80, 3), "right": (60, 80, 3)}
    rng = np.random.default_rng(1)
    image = StereoImage(0.0, *(rng.integers(0, 256, (60, 80, 3)).astype(np.uint8) for _ in range(2)))
    found = policy.act(known, image)
    session = onnxruntime.InferenceSession(student_file)
    expected = session.run(
        ["action", "object_pos"],
        {
            "left": image.left[None] / np.float32(255),
            "right": np.rot90(image.right, 2)[None] / np.float32(255),
            "observation": assemble(policy.terms, known, 1.0),
            "lstm_state": np.zeros((1, *session.get_inputs()[-1].shape[1:]), np.float32),
        },
    )
    np.testing.assert_allclose(found.action, expected[0][0], atol=1e-6)
    np.testing.assert_allclose(found.object_pos, expected[1][0], atol=1e-6)
    policy.reset()
    swapped = policy.act(known, image._replace(left=image.right, right=image.left))
    assert np.abs(swapped.action - found.action).max() > 1e-4
    with pytest.raises(PolicyError, match="sees a StereoImage, but its camera delivers a DepthImage"):
        policy.act(known, DepthImage(0.0, np.zeros((60, 80), np.float32)))


def test_files_that_cannot_be_run(policy_file, tmp_path):
    with pytest.raises(PolicyError, match=r"there is no file .*export_onnx\.py"):
        OnnxPolicy(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("hello")
    with pytest.raises(PolicyError, match="is not an ONNX file"):
        OnnxPolicy(tmp_path / "text.onnx")
    model = onnx.load(policy_file)
    kept = [entry for entry in model.metadata_props if entry.key != "adr_level"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    onnx.save(model, tmp_path / "old.onnx")
    with pytest.raises(PolicyError, match="does not say its adr_level; export it again"):
        OnnxPolicy(tmp_path / "old.onnx")


def test_a_policy_that_is_told_the_objects_pose_is_refused(policy_file, tmp_path):
    config = OnnxPolicy(policy_file).config
    told = dataclasses.replace(
        config, observation=ObservationConfig(policy=("joint_pos", "object_pos"), depth=False)
    )
    with pytest.raises(UserError, match="told object_pos, which a robot does not know"):
        OnnxPolicy(export_fresh(told, tmp_path / "state.onnx"))
