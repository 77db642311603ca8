"""Teachers that do not fit are refused before anything is built; what both see comes in each one's order."""

import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex import config_files
from mjxdex.config import UserError
from mjxdex.learning import normalizer
from mjxdex.runtime import bundles, run_folder, teacher
from mjxdex.runtime.checkpoints import Checkpoints
from mjxdex.runtime.storage import encode
from mjxdex.runtime.trained import TrainedPolicy, load_policy, make_learner, make_student
from mjxdex.task import observations


def run_of(folder: Path, name: str, actions: int = 11, **settings: Any) -> Path:
    """A run folder whose one checkpoint says how many actions there are."""
    overrides = {key.replace("__", "."): value for key, value in settings.items()}
    config = config_files.load(name, overrides)
    run_folder.create(config, folder / "run")
    with Checkpoints(folder / "run", config) as checkpoints:
        checkpoints.save(1, {"learner": {"policy": {"log_std": jnp.zeros(actions)}}}, success=0.0)
    return folder / "run"


def student(name: str = "stereo160", **settings: Any):
    overrides = {key.replace("__", "."): value for key, value in settings.items()}
    return config_files.load(name, {"distill.teacher": "run"} | overrides)


@pytest.mark.parametrize("name", ["depth160", "state"])
def test_depth_and_state_teachers_fit_a_stereo_student(tmp_path: Path, name: str):
    folder = run_of(tmp_path, name)
    assert teacher.check(folder, student()).name == name
    if name == "state":
        assert teacher.check(folder, student("mono_depth")).name == name


def test_a_bundle_teaches_as_its_run_does(tmp_path: Path):
    """What is wrong with a run is wrong with its bundle, in the same words."""
    for name, actions in (("fits", 11), ("small", 7)):
        stored = encode(np.zeros(actions, np.float32), "float32")
        head = {
            "format": bundles.FORMAT,
            "config": config_files.to_dict(config_files.load("state")),
            "precision": "float32",
            "provenance": {"iteration": 1},
            "arrays": {"learner.policy.log_std": {"storage": stored.storage, "shape": stored.shape}},
        }
        with zipfile.ZipFile(tmp_path / f"{name}.bundle", "w") as file:
            file.writestr("bundle.json", json.dumps(head))
            file.writestr("arrays/learner.policy.log_std", stored.data)
    assert teacher.check(tmp_path / "fits.bundle", student()).name == "state"
    with pytest.raises(UserError, match="has 7 actions, the student 11"):
        teacher.check(tmp_path / "small.bundle", student())
    with pytest.raises(UserError, match="there is no file"):
        teacher.check(tmp_path / "none.bundle", student())


@pytest.mark.parametrize(
    ("settings", "made", "said"),
    [
        ({}, {"actions": 7}, "has 7 actions, the student 11"),
        ({}, {"env__max_pose_angle_deg": 30.0}, "env.max_pose_angle_deg: 30.0 -> 45.0"),
        ({}, {"fabric__steps": 1}, "acts in another way, teacher -> student: fabric.steps: 1 -> 2"),
        ({"env__objects": "primitives"}, {}, "told which of its 140 objects 'training' it holds; .* with 12"),
        (
            {"render__backend": "mjwarp"},
            {},
            "which render.backend mjwarp does not draw; allowed: warp, madrona",
        ),
        ({"observation__depth": True}, {}, "a student sees one kind of images"),
        (
            {"observation__policy": "goal,object_pos"},
            {},
            "tells the student object_pos, which no robot knows",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(tmp_path: Path, settings, made, said: str):
    folder = run_of(tmp_path, "state", **made)
    with pytest.raises(UserError, match=said) as caught:
        teacher.check(folder, student(**settings))
    assert "\n" not in str(caught.value)


def test_a_depth_student_teaches_and_is_held_to_what_a_depth_policy_is(tmp_path: Path):
    folder = run_of(tmp_path, "mono_depth", distill__teacher="first")
    found = teacher.check(folder, student(env__objects="primitives"))
    assert found.name == "mono_depth"
    shared = teacher.shared(student(camera__every=2), found)
    sees = shared.config.observation
    assert (sees.depth, sees.stereo) == (True, True) and shared.config.camera == found.camera
    with pytest.raises(UserError, match="camera.width: 160 -> 320"):
        teacher.check(folder, student("mono_depth", camera__width=320, camera__height=240))
    with pytest.raises(UserError, match="acts in another way, teacher -> student: fabric.steps: 2 -> 1"):
        teacher.check(folder, student(fabric__steps=1))
    folder = run_of(tmp_path / "small", "mono_depth", actions=7, distill__teacher="first")
    with pytest.raises(UserError, match="has 7 actions, the student 11"):
        teacher.check(folder, student())


def test_a_stereo_student_is_no_teacher(tmp_path: Path):
    folder = run_of(tmp_path, "stereo160", distill__teacher="runs/first")
    with pytest.raises(UserError, match="sees stereo RGB, .* learned from runs/first: let that teach"):
        teacher.check(folder, student())


@pytest.mark.parametrize("taught_by", ["", "first"])
def test_the_copy_in_the_run_is_the_teacher(tmp_path: Path, taught_by: str):
    """A policy's statistics are elsewhere in its checkpoints than a student's."""
    small = {"cnn_filters": (4, 4), "cnn_kernels": (6, 4), "lstm_units": 8, "mlp": (8,)}
    config = config_files.load("smoke")
    config = dataclasses.replace(
        config,
        network=dataclasses.replace(config.network, **small),
        distill=dataclasses.replace(config.distill, teacher=taught_by, object_mlp=(8,)),
    )
    if taught_by:
        learner = network = make_student(config)
        params = network.init(jax.random.key(0))
    else:
        learner = make_learner(config)
        network = learner.networks
        params, _ = network.init(jax.random.key(0))
    stats = jax.tree.map(lambda leaf: leaf + 1.5, normalizer.init((network.policy_dim,)))
    policy = TrainedPolicy(config, 7, 12, learner, params, stats, [], [])
    teacher.keep(policy, tmp_path)
    kept = load_policy(tmp_path / teacher.FOLDER)
    assert (kept.config, kept.iteration, kept.adr_level) == (config, 7, 12)
    assert type(kept.learner) is type(learner)
    jax.tree.map(np.testing.assert_array_equal, (kept.params, kept.stats), (params, stats))


def test_depth_teacher_and_depth_student_share_the_camera(tmp_path: Path):
    folder = run_of(tmp_path, "depth320")
    with pytest.raises(UserError, match="camera.width: 320 -> 160"):
        teacher.check(folder, student("mono_depth"))
    assert teacher.check(folder, student("mono_depth", camera__width=320, camera__height=240))


def test_a_depth_teacher_may_not_know_the_objects(tmp_path: Path):
    assert teacher.check(run_of(tmp_path, "depth160"), student(env__objects="primitives"))


def test_columns_and_images_of_both():
    taught = config_files.load("state", {"env.objects": "primitives"})
    reads = dataclasses.replace(
        taught.observation, policy=("goal", "object_pos", "joint_pos", "object_onehot")
    )
    taught = dataclasses.replace(taught, observation=reads)
    config = student(env__objects="primitives", observation__policy="joint_pos,goal")
    shared = teacher.shared(config, taught)
    sees = shared.config.observation
    assert sees.policy == ("joint_pos", "goal", "object_pos", "object_onehot") and sees.critic == (
        "object_pos",
    )
    assert (sees.depth, sees.stereo) == (False, True)
    row = np.concatenate(
        [np.full(size, i) for i, (_, size) in enumerate(observations.layout(sees.policy, 12))]
    )
    np.testing.assert_array_equal(row[shared.student], [0] * 23 + [1] * 3)
    np.testing.assert_array_equal(row[shared.teacher], [1] * 3 + [2] * 3 + [0] * 23 + [3] * 12)

    seeing = config_files.load("depth320")
    shared = teacher.shared(config, seeing)
    assert shared.config.observation.depth and shared.config.camera == seeing.camera
