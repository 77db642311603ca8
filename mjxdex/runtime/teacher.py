"""The teacher of a distillation: whether it fits the student, what both see, and its copy in the run."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex import config_files, objects
from mjxdex.config import OBJECT_TERMS, Config, ConfigError, ObservationConfig
from mjxdex.render import RGB_RENDERERS
from mjxdex.runtime import bundles, checkpoints, run_folder
from mjxdex.runtime.checkpoints import Checkpoints
from mjxdex.runtime.trained import TrainedPolicy
from mjxdex.task import observations

FOLDER = "teacher"
"""The teacher's copy in a student's run folder, a run folder of its own."""
ACTIONS = 11
SAME_ACTIONS = (
    "env.max_pose_angle_deg", "env.goal_pos", "physics.timestep", "physics.substeps", "fabric.timestep",
    "fabric.steps", "fabric.curvature_factor", "fabric.collision_avoidance",
)  # fmt: skip
"""Settings that say what an action does, and what for: teacher and student need the same."""


class Shared(NamedTuple):
    """What the simulators show to teacher and student.

    Attributes:
      config: The student's, with the terms and images of both; the critic's term is the true object position.
      student, teacher: Which columns of the vector observation each of them sees, in its own order.
    """

    config: Config
    student: np.ndarray
    teacher: np.ndarray


def check(folder: Path, config: Config) -> Config:
    """The configuration of the teacher in `folder`, if it can teach a student of `config`. Allocates nothing
    on a device.

    Args:
      folder: Run folder of the teacher, itself a student or not, or a bundle of it.
      config: The student's.

    Raises: mjxdex.config.UserError: There is no such run, or it does not fit; the message says why.
    """
    if bundles.is_bundle(folder):
        teacher, shapes = bundles.outline(folder)
    else:
        teacher, shapes = run_folder.open_run(folder), None
    if teacher.observation.stereo:
        raise ConfigError(
            f"the teacher in {folder} sees stereo RGB, which is drawn for the student alone; a teacher sees "
            f"depth images or none. This one learned from {teacher.distill.teacher}: let that teach"
        )
    _check_student(config)
    actions = (shapes or checkpoints.shapes(folder))["learner.policy.log_std"][0]
    if actions != ACTIONS:
        raise ConfigError(f"the teacher in {folder} has {actions} actions, the student {ACTIONS}")
    changed = [line for line in config_files.diff(teacher, config) if line.partition(":")[0] in SAME_ACTIONS]
    if changed:
        raise ConfigError(
            f"the teacher in {folder} acts in another way, teacher -> student: {'; '.join(changed)}"
        )
    told = [term for term in OBJECT_TERMS if term in teacher.observation.policy]
    if told and teacher.env.objects != config.env.objects:
        counts = [len(objects.load(name)) for name in (teacher.env.objects, config.env.objects)]
        raise ConfigError(
            f"the teacher in {folder} is told which of its {counts[0]} objects {teacher.env.objects!r} it "
            f"holds; the student's set is {config.env.objects!r} with {counts[1]}. Use --env.objects "
            f"{teacher.env.objects}"
        )
    cameras = [line for line in config_files.diff(teacher, config) if line.startswith("camera.")]
    if teacher.observation.depth and config.observation.depth and cameras:
        raise ConfigError(
            f"teacher and student both see the one depth camera, but not alike, teacher -> student: "
            f"{'; '.join(cameras)}"
        )
    return teacher


def _check_student(config: Config) -> None:
    backend = config.render.backend
    if config.observation.depth and config.observation.stereo:
        raise ConfigError(
            "observation.depth and observation.stereo are both true; a student sees one kind of images"
        )
    if config.observation.stereo and backend not in RGB_RENDERERS:
        raise ConfigError(
            f"the student sees stereo RGB, which render.backend {backend} does not draw; allowed: "
            f"{', '.join(RGB_RENDERERS)}"
        )
    told = sorted({"object_pos", "object_quat", "object_vel", *OBJECT_TERMS} & {*config.observation.policy})
    if told:
        raise ConfigError(
            f"observation.policy tells the student {', '.join(told)}, which no robot knows; leave them out"
        )


def shared(config: Config, teacher: Config) -> Shared:
    """What the simulators have to show where `teacher` teaches a student of `config`."""
    sees = config.observation
    terms = tuple(dict.fromkeys((*sees.policy, *teacher.observation.policy)))
    of_term = observations.columns(terms, len(objects.load(config.env.objects)))

    def columns(wanted: tuple[str, ...]) -> np.ndarray:
        return np.concatenate([of_term[term] for term in wanted])

    depth = sees.depth or teacher.observation.depth
    both = ObservationConfig(policy=terms, critic=("object_pos",), depth=depth, stereo=sees.stereo)
    camera = teacher.camera if teacher.observation.depth else config.camera
    simulated = replace(config, observation=both, camera=camera)
    return Shared(simulated, columns(sees.policy), columns(teacher.observation.policy))


def keep(policy: TrainedPolicy, folder: Path) -> None:
    """Copies the teacher into a student's run folder, so that a resumed run learns from the same one."""
    copy = folder / FOLDER
    copy.mkdir()
    config_files.save(policy.config, copy / "config.yaml")
    with Checkpoints(copy, policy.config) as kept:
        kept.save(policy.iteration, jax.tree.map(jnp.asarray, policy.checkpoint()), success=float("nan"))
