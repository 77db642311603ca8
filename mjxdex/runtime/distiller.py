"""One iteration of distillation over any split of devices; everything else is the trainer's."""

from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from mjxdex.config import Config
from mjxdex.learning.distilling import DistillActing, Distillation, Segment, StudentState, Tally, Teacher
from mjxdex.learning.student_network import StudentNetwork
from mjxdex.runtime import teacher as teachers
from mjxdex.runtime.learner_mesh import ACCOUNT, COPIED, LEARNER_AXIS, SPLIT
from mjxdex.runtime.phases import Phases
from mjxdex.runtime.sims import Simulators
from mjxdex.runtime.topology import Topology
from mjxdex.runtime.trained import TrainedPolicy
from mjxdex.runtime.trainer import Trainer, TrainState, without_shard_axis
from mjxdex.task import adr
from mjxdex.task.adr import AdrState
from mjxdex.task.env import Command
from mjxdex.task.state import EnvState
from mjxdex.types import Message, Observation, Outcome

ACTING = DistillActing(student_carry=SPLIT, teacher_carry=SPLIT, **ACCOUNT)
"""How a DistillActing is laid out."""
SEGMENT = Segment._make([cast(Any, PartitionSpec(None, LEARNER_AXIS))] * len(Segment._fields))._replace(
    carry=SPLIT
)
"""How a Segment is laid out."""


class Distiller(Trainer):
    """A trainer whose learner is a student with its teacher.

    Args:
      config: The student's.
      split: Devices by role.
      teacher: Has been checked by `teacher.check`.
      backbone: Parameters that the student's backbone starts from, as `resnet_weights.load` gives them.
    """

    acting_layout = ACTING
    loss = "loss"
    script = "distill_stereo.py"

    def __init__(
        self, config: Config, split: Topology, teacher: TrainedPolicy, backbone: dict | None = None
    ) -> None:
        self.teacher, self.backbone = teacher, backbone
        self.shared = teachers.shared(config, teacher.config)
        super().__init__(config, split)

    def _simulators(self) -> Simulators:
        return Simulators(self.shared.config, self.topology.sims)

    def _compile(self) -> None:
        self.learner = make_distillation(self.config, self.shared, self.teacher, self.learners.blocks)
        taught = Teacher(self.teacher.params, self.teacher.stats)
        self.taught = jax.device_put(taught, self.learners.sharding(COPIED))
        self.buffers: tuple[Segment, Tally] | None = None
        program = self.learners.program
        self._act = program(
            self._act_and_rise,
            inputs=(COPIED, COPIED, ACTING, COPIED, SEGMENT, COPIED, COPIED, SPLIT),
            outputs=(ACTING, COPIED, SEGMENT, COPIED, SPLIT),
            donate=(2, 3, 4, 5),
        )
        self._learn = program(
            self.learner.learn,
            inputs=(COPIED, COPIED, SEGMENT, COPIED, COPIED),
            outputs=(COPIED, COPIED),
            donate=(0, 3),
        )
        self._finish = program(
            self._finish_and_rise,
            inputs=(ACTING, COPIED, COPIED, SPLIT),
            outputs=(ACTING, COPIED, COPIED),
            donate=(0, 1),
        )

    def init(self) -> TrainState:
        """The state of a run that has done nothing yet, with the backbone's weights if there are any."""
        state = super().init()
        if self.backbone is not None:
            encoder = state.learner.policy["encoder"]
            encoder["backbone"] = jax.tree.map(
                lambda new, old: jax.device_put(new, old.sharding), self.backbone, encoder["backbone"]
            )
        return state

    def parameters(self, state: TrainState) -> Any:
        """What is learned."""
        return state.learner.policy

    def begin(self, folder: Path) -> None:
        """Copies the teacher into the run's folder."""
        teachers.keep(self.teacher, folder)

    def iterate(
        self, state: TrainState, phases: Phases, ahead: bool = False
    ) -> tuple[TrainState, dict[str, jax.Array]]:
        """`ppo.horizon` control steps with a gradient step after every `distill.bptt_steps` of them.

        A gradient step starts once the actions are on their way, so that simulators of their own work
        meanwhile. `state` is used up.

        Returns: The next state and float32 scalars by name, on each learner.
        """
        iteration, student, acting, level, envs = state
        messages = self._messages
        if messages is None:
            with phases("render") as done:
                messages = done(self._see(envs, *self.sims.first(envs)))
        segment, tally = self.buffers or self._empty(messages[0])

        steps = self.config.distill.bptt_steps
        for t in range(self.config.ppo.horizon):
            with phases("inference") as done:
                acting, level, segment, tally, commands = done(
                    self._act(student, self.taught, acting, level, segment, tally, np.int32(t), messages)
                )
            with phases("transfer") as done:
                command = done(self.transfers.receive(commands))
            with phases("physics") as done:
                envs, obs, outcome = done(self.sims.step(envs, command))
            if (t + 1) % steps == 0:
                with phases("update") as done:
                    student, tally = done(
                        self._learn(student, self.taught, segment, tally, np.int32(t // steps))
                    )
            with phases("render") as done:
                messages = done(self._see(envs, obs, outcome))

        with phases("update") as done:
            acting, level, metrics = done(self._finish(acting, level, tally, messages))
        self._messages, self.buffers = messages, (segment, tally)
        return TrainState(iteration + 1, student, acting, level, envs), metrics

    def _see(self, envs: EnvState, obs: Observation, outcome: Outcome) -> tuple[Message, ...]:
        obs = obs._replace(depth=self.sims.render(envs), stereo=self.sims.render_stereo(envs))
        return self.transfers.send(Message(obs=obs, outcome=outcome))

    def _empty(self, message: Message) -> tuple[Segment, Tally]:
        images = self.learner.student.images(message.obs)
        if images is not None:
            images = jax.ShapeDtypeStruct(images.shape[2:], images.dtype)
        empty = jax.jit(
            self.learner.empty,
            static_argnums=(0, 1, 2),
            out_shardings=self.learners.sharding((SEGMENT, COPIED)),
        )
        return empty(self.config.env.num_envs, images, tuple(message.outcome.info))

    def _fresh_learner(self) -> tuple[jax.Array, StudentState, DistillActing, AdrState]:
        key = jax.random.fold_in(jax.random.key(self.config.seed), 0)
        student, acting = self.learner.init(key, self.config.env.num_envs)
        return jnp.zeros((), jnp.int32), student, acting, adr.init(self.config.adr)

    def _act_and_rise(
        self,
        student: StudentState,
        teacher: Teacher,
        acting: DistillActing,
        level: AdrState,
        segment: Segment,
        tally: Tally,
        t: jax.Array,
        messages: tuple[Message, ...],
    ) -> tuple[DistillActing, AdrState, Segment, Tally, tuple[Command, ...]]:
        messages = without_shard_axis(messages)
        level = self._rise_after(t, level, messages)
        acting, segment, tally, actions = self.learner.act(
            student, teacher, acting, segment, tally, t, messages
        )
        commands = tuple(Command(action=a[None], adr_level=level.level[None]) for a in actions)
        return acting, level, segment, tally, commands

    def _finish_and_rise(
        self, acting: DistillActing, level: AdrState, tally: Tally, messages: tuple[Message, ...]
    ) -> tuple[DistillActing, AdrState, dict[str, jax.Array]]:
        messages = without_shard_axis(messages)
        level = self._rise(level, messages)
        acting, metrics = self.learner.finish(acting, tally, messages)
        return acting, level, {**metrics, "adr/level": level.level, "adr/resets": level.resets}


def make_distillation(
    config: Config, shared: teachers.Shared, teacher: TrainedPolicy, blocks: Any
) -> Distillation:
    """The learner for a configuration and its teacher."""
    return Distillation(
        config=config,
        student=StudentNetwork(config, len(shared.student), len(teacher.params["log_std"])),
        teacher=teacher.learner,
        student_columns=shared.student,
        teacher_columns=shared.teacher,
        blocks=blocks,
    )
