"""A distillation run from its first iteration, or from a checkpoint, to its last; and its plan."""

from functools import partial
from pathlib import Path

import jax
from rich.console import Console, Group
from rich.table import Table

from mjxdex.config import AUTO, Config, ConfigError
from mjxdex.learning.blocks import WHOLE
from mjxdex.networks import resnet_weights
from mjxdex.runtime import plan
from mjxdex.runtime import teacher as teachers
from mjxdex.runtime.distiller import Distiller, make_distillation
from mjxdex.runtime.probe import tree_bytes
from mjxdex.runtime.topology import Topology
from mjxdex.runtime.train import train
from mjxdex.runtime.trained import TrainedPolicy, load_policy


def distill(config: Config, folder: Path | None, resume: bool) -> Path:
    """Distils to `runtime.iterations`; see `train.train`.

    Args:
      config: The student's, with its teacher's run folder, or a bundle of it, in `distill.teacher`.
      folder: The run folder; None names a new one.
      resume: Whether to go on from the newest whole checkpoint in `folder`, with the teacher kept there.

    Returns: The run folder.
    Raises: mjxdex.config.UserError: Teacher, configuration, devices or folder do not fit.
    """
    if config.env.num_envs == AUTO:
        raise ConfigError(
            "env.num_envs is auto, but what an env of a student needs is not known; name a number"
        )
    if config.runtime.trajectory != "learner":
        raise ConfigError("runtime.trajectory simulator is not for distillation; leave it at learner")
    source = folder / teachers.FOLDER if resume and folder else Path(config.distill.teacher)
    teachers.check(source, config)
    backbone = None
    if config.distill.backbone_weights and not resume:
        backbone = resnet_weights.load(Path(config.distill.backbone_weights))
    policy = load_policy(source)
    for notice in policy.notices:
        Console(soft_wrap=True).print(f"notice: {notice}")
    make = partial(Distiller, teacher=policy, backbone=backbone)
    return train(config, folder, resume, make, partial(table, teacher=policy))


def table(config: Config, split: Topology, teacher: TrainedPolicy) -> Group:
    """Devices, roles, envs and what shapes tell of their memory, with warnings below; for rich to print."""
    num_envs = config.env.num_envs
    envs, learned = num_envs // len(split.sims), num_envs // len(split.learners)
    shared = teachers.shared(config, teacher.config)
    sees, camera, rgb, physics = shared.config.observation, shared.config.camera, config.rgb, config.physics
    views = [f"{camera.width}x{camera.height} depth"] * sees.depth
    views += [f"2 x {rgb.width}x{rgb.height} RGB"] * sees.stereo
    shown = "\n".join(views) or "no camera"
    pixels = 2 * camera.width * camera.height * sees.depth + 6 * rgb.width * rgb.height * sees.stereo
    simulator = (
        "simulator",
        f"{envs} envs\n{shown}\nroom for {envs * physics.contacts_per_env:,} "
        f"contacts, {physics.constraints_per_env} constraints per env",
        f"images {plan.size_text(envs * pixels)}\nphysics, renderer not measured",
    )

    distillation = make_distillation(config, shared, teacher, WHOLE)
    student, _ = jax.eval_shape(lambda: distillation.init(jax.random.key(0), learned))
    seen = None
    if config.observation.stereo:
        seen = jax.ShapeDtypeStruct((2, rgb.height, rgb.width, 3), jax.numpy.uint8)
    elif config.observation.depth:
        seen = jax.ShapeDtypeStruct((camera.height, camera.width), jax.numpy.uint16)
    segment, _ = jax.eval_shape(lambda: distillation.empty(learned, seen, ()))
    steps, count = config.distill.bptt_steps, tree_bytes(student.policy) // 4
    learner = (
        "learner",
        f"student of {count:,} parameters, teacher of {tree_bytes(teacher.params) // 4:,}\n"
        f"a gradient step of {learned * steps:,} samples every {steps} control steps",
        f"segment {plan.size_text(tree_bytes(segment))}\nnetworks "
        f"{plan.size_text(tree_bytes(student) + tree_bytes(student.policy) + tree_bytes(teacher.params))}\n"
        "activations not measured",
    )
    grid = Table(
        title=f"{config.name} on {split.spec}, {num_envs} envs; teacher {teacher.config.name}, iteration "
        f"{teacher.iteration}, ADR level {teacher.adr_level}",
        title_justify="left",
    )
    for heading in ("device", "role", "work", "expected memory"):
        grid.add_column(heading)
    for devices, row in ((split.sims, simulator), (split.learners, learner)):
        for device in devices:
            grid.add_row(plan.device_text(device), *row)
    cpu = all(device.platform == "cpu" for device in (*split.sims, *split.learners))
    return Group(grid, *(plan.warnings(config, split) if cpu else []))
