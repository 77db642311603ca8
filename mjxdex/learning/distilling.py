"""Distillation: the student acts, the teacher says what it would have done, and the student learns that."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax

from mjxdex.config import Config, DistillConfig
from mjxdex.learning import normalizer
from mjxdex.learning.acting import book, join, split, summarize
from mjxdex.learning.blocks import WHOLE, Blocks
from mjxdex.learning.imitation import imitation_loss
from mjxdex.learning.normalizer import RunningStats
from mjxdex.learning.rollout import stat_names
from mjxdex.learning.schedule import linear
from mjxdex.learning.state import Params, fresh_account
from mjxdex.learning.student_network import StudentNetwork
from mjxdex.networks.lstm import Carry
from mjxdex.types import Message, Observation, Outcome

_INIT_STREAM, _NOISE_STREAM, _SHARE_STREAM, _DROPOUT_STREAM = range(4)
LOSSES = ("loss", "action_error", "std_error", "object_pos_error_cm", "action_distance", "grad_norm")
"""What every gradient step reports."""


class StudentState(NamedTuple):
    """What learning changes.

    Attributes:
      policy: Parameters of the student.
      policy_opt: State of its optimizer.
      stats: Statistics of its vector observations.
      key: Typed PRNG key; never changes, streams are folded out of it.
      updates: int32 [], gradient steps taken.
    """

    policy: Params
    policy_opt: Any
    stats: RunningStats
    key: jax.Array
    updates: jax.Array


class Teacher(NamedTuple):
    """Parameters of the teacher's policy, and statistics of its vector observations; never change."""

    params: Params
    stats: RunningStats


class TeacherNetwork(Protocol):
    """What is asked of a teacher: a `Learner` or, where a student teaches, its `StudentNetwork`."""

    def initial_carry(self, batch: int) -> Carry:
        """Zero LSTM state for `batch` envs."""
        ...

    def policy_step(
        self, params: Params, stats: RunningStats, obs: Observation, carry: Carry, reset: jax.Array
    ) -> tuple[jax.Array, Carry]:
        """Mean actions of one step, float32 [B, A], not clipped, and the next carry; see
        `Learner.policy_step`."""
        ...


class DistillActing(NamedTuple):
    """What acting changes, for all B envs.

    Attributes:
      student_carry, teacher_carry: LSTM states after the last step, (cell, hidden) a layer.
      reset: bool [B], the next observation starts an episode.
      step: int32 [], control steps since the start of the run; picks the noise.
      episode_return, episode_length: float32 [B], of the running episode so far, rewards unscaled.
      last_return, last_length: float32 [], means over the episodes that ended in the last iteration with any.
    """

    student_carry: Carry
    teacher_carry: Carry
    reset: jax.Array
    step: jax.Array
    episode_return: jax.Array
    episode_length: jax.Array
    last_return: jax.Array
    last_length: jax.Array


class Segment(NamedTuple):
    """`distill.bptt_steps` control steps K of B envs, time first: what one gradient step learns from.

    Attributes:
      policy: float32 [K, B, P], the student's vector observation, not normalized.
      images: [K, B, ...] that the student saw, or None.
      reset: bool [K, B], an episode starts with this observation.
      teacher_mean: float32 [K, B, A], the teacher's mean action.
      object_pos: float32 [K, B, 3], where the object truly was, metres.
      carry: LSTM state of the student before step 0.
    """

    policy: jax.Array
    images: jax.Array | None
    reset: jax.Array
    teacher_mean: jax.Array
    object_pos: jax.Array
    carry: Carry


class Tally(NamedTuple):
    """Metrics of an iteration as they come: `outcomes` float32 [T] by name, one a control step, and `losses`
    float32 [T / K] by name, one a gradient step."""

    outcomes: dict[str, jax.Array]
    losses: dict[str, jax.Array]


@dataclass(frozen=True, eq=False)
class Distillation:
    """Everything static; its methods are pure and can be jitted as they are.

    An iteration, starting from the messages that the shards sent last::

        for t in range(horizon):
            acting, segment, tally, actions = act(student, teacher, acting, segment, tally, t, messages)
            messages = ...  # the shards step with their actions
            if (t + 1) % bptt_steps == 0:
                student, tally = learn(student, teacher, segment, tally, t // bptt_steps)
        acting, metrics = finish(acting, tally, messages)

    Attributes:
      config: The student's; `network`, `distill` and `ppo.horizon` are read.
      student: Its network.
      teacher: The teacher's; it takes the images that it sees out of the observation.
      student_columns, teacher_columns: Which columns of `Observation.policy` each of them sees, in order.
        `Observation.critic` is the true object position.
      blocks: How the envs are split over learners.
    """

    config: Config
    student: StudentNetwork
    teacher: TeacherNetwork
    student_columns: np.ndarray
    teacher_columns: np.ndarray
    blocks: Blocks = WHOLE

    def init(self, key: jax.Array, num_envs: int) -> tuple[StudentState, DistillActing]:
        """Fresh parameters and the state before the first observation, which starts an episode everywhere."""
        policy = self.student.init(jax.random.fold_in(key, _INIT_STREAM))
        student = StudentState(
            policy=policy,
            policy_opt=optimizer(self.config.distill).init(policy),
            stats=normalizer.init((self.student.policy_dim,)),
            key=key,
            updates=jnp.zeros((), jnp.int32),
        )
        acting = DistillActing(
            student_carry=self.student.initial_carry(num_envs),
            teacher_carry=self.teacher.initial_carry(num_envs),
            **fresh_account(num_envs),
        )
        return student, acting

    def empty(
        self, num_envs: int, images: jax.ShapeDtypeStruct | None, info_names: tuple[str, ...]
    ) -> tuple[Segment, Tally]:
        """Buffers of zeros.

        Args:
          num_envs: B.
          images: Shape and type of one env's images.
          info_names: Keys of `Outcome.info`.
        """
        horizon, steps = self.config.ppo.horizon, self.config.distill.bptt_steps
        shape = (steps, num_envs)
        segment = Segment(
            policy=jnp.zeros((*shape, self.student.policy_dim)),
            images=None if images is None else jnp.zeros((*shape, *images.shape), images.dtype),
            reset=jnp.zeros(shape, bool),
            teacher_mean=jnp.zeros((*shape, self.student.action_dim)),
            object_pos=jnp.zeros((*shape, 3)),
            carry=self.student.initial_carry(num_envs),
        )
        tally = Tally(
            outcomes={name: jnp.zeros(horizon) for name in stat_names(info_names)},
            losses={name: jnp.zeros(horizon // steps) for name in LOSSES},
        )
        return segment, tally

    def act(
        self,
        student: StudentState,
        teacher: Teacher,
        acting: DistillActing,
        segment: Segment,
        tally: Tally,
        t: jax.Array | int,
        messages: tuple[Message, ...],
    ) -> tuple[DistillActing, Segment, Tally, tuple[jax.Array, ...]]:
        """Books the outcome of the action at t - 1, asks student and teacher, and samples an action.

        Args:
          student, teacher: Parameters and statistics.
          acting: LSTM states and reset flags before this observation.
          segment, tally: Buffers that are written.
          t: int32 [], control step of the iteration; at 0 the outcome is ignored: `finish` has booked it.
          messages: What each shard sent, in the order of the envs.

        Returns:
          The first three after acting, and float32 actions [B_i, A] for each shard, not clipped.
        """
        t = jnp.asarray(t, jnp.int32)
        obs, outcome = join(messages)
        acting, tally = self._book(acting, tally, jnp.maximum(t - 1, 0), outcome, t > 0)

        k = t % self.config.distill.bptt_steps
        own, images = obs.policy[:, self.student_columns], self.student.images(obs)
        mean, _, student_carry = self.student(
            student.policy, student.stats, own, images, acting.student_carry, acting.reset
        )
        seen = obs._replace(policy=obs.policy[:, self.teacher_columns])
        teacher_mean, teacher_carry = self.teacher.policy_step(
            teacher.params, teacher.stats, seen, acting.teacher_carry, acting.reset
        )
        segment = Segment(
            policy=segment.policy.at[k].set(own),
            images=None if segment.images is None else segment.images.at[k].set(images),
            reset=segment.reset.at[k].set(acting.reset),
            teacher_mean=segment.teacher_mean.at[k].set(teacher_mean),
            object_pos=segment.object_pos.at[k].set(obs.critic),
            carry=jax.tree.map(
                lambda old, new: jnp.where(k == 0, new, old), segment.carry, acting.student_carry
            ),
        )
        action = self._sample(student, teacher, acting.step, mean, teacher_mean)
        acting = acting._replace(
            student_carry=student_carry, teacher_carry=teacher_carry, step=acting.step + 1
        )
        return acting, segment, tally, split(action, messages)

    def learn(
        self, student: StudentState, teacher: Teacher, segment: Segment, tally: Tally, i: jax.Array | int
    ) -> tuple[StudentState, Tally]:
        """One gradient step on a full segment, the i-th of its iteration."""

        def loss(policy: Params) -> tuple[jax.Array, dict[str, jax.Array]]:
            mean, object_pos, _ = self.student(
                policy,
                student.stats,
                segment.policy,
                segment.images,
                segment.carry,
                segment.reset,
                self._dropout_keys(student, segment.reset),
            )
            return imitation_loss(
                mean,
                policy["log_std"],
                object_pos,
                segment.teacher_mean,
                teacher.params["log_std"],
                segment.object_pos,
                object_pos_coef=self.config.distill.object_pos_coef,
            )

        grads, losses = jax.grad(loss, has_aux=True)(student.policy)
        grads, losses = self.blocks.average((grads, losses))
        losses["grad_norm"] = optax.global_norm(grads)
        step, policy_opt = optimizer(self.config.distill).update(grads, student.policy_opt)
        student = student._replace(
            policy=optax.apply_updates(student.policy, step),
            policy_opt=policy_opt,
            stats=normalizer.update(student.stats, segment.policy, self.blocks),
            updates=student.updates + 1,
        )
        return student, tally._replace(
            losses={name: tally.losses[name].at[i].set(value) for name, value in losses.items()}
        )

    def finish(
        self, acting: DistillActing, tally: Tally, last_messages: tuple[Message, ...]
    ) -> tuple[DistillActing, dict[str, jax.Array]]:
        """Books the last outcome; metrics are float32 scalars by name, means over the iteration."""
        _, outcome = join(last_messages)
        last = self.config.ppo.horizon - 1
        share = teacher_share(self.config, acting.step - 1)
        acting, tally = self._book(acting, tally, last, outcome, jnp.asarray(True))
        acting, metrics = summarize(acting, tally.outcomes)
        losses = {name: jnp.mean(values) for name, values in tally.losses.items()}
        return acting, metrics | losses | {"teacher_share": share}

    def _book(
        self, acting: DistillActing, tally: Tally, slot: jax.Array | int, outcome: Outcome, new: jax.Array
    ) -> tuple[DistillActing, Tally]:
        acting, stats = book(acting, outcome, new, self.blocks)
        outcomes = {name: tally.outcomes[name].at[slot].set(value) for name, value in stats.items()}
        return acting, tally._replace(outcomes=outcomes)

    def _sample(
        self,
        student: StudentState,
        teacher: Teacher,
        step: jax.Array,
        mean: jax.Array,
        teacher_mean: jax.Array,
    ) -> jax.Array:
        """float32 [B, A] from the student's Gaussian or, in a share of the envs, from the teacher's."""
        every = (self.blocks.programs * mean.shape[0], mean.shape[1])

        def key(stream: int) -> jax.Array:
            return jax.random.fold_in(jax.random.fold_in(student.key, stream), step)

        noise = self.blocks.own(jax.random.normal(key(_NOISE_STREAM), every))
        taught = self.blocks.own(jax.random.uniform(key(_SHARE_STREAM), every[:1]))
        own = mean + jnp.exp(student.policy["log_std"]) * noise
        shown = teacher_mean + jnp.exp(teacher.params["log_std"]) * noise
        return jnp.where((taught < teacher_share(self.config, step))[:, None], shown, own)

    def _dropout_keys(self, student: StudentState, reset: jax.Array) -> jax.Array | None:
        """Keys [K, B] that depend on gradient step, control step and env alone."""
        if not self.config.distill.dropout:
            return None
        key = jax.random.fold_in(jax.random.fold_in(student.key, _DROPOUT_STREAM), student.updates)
        steps, envs = reset.shape
        index = self.blocks.own(jnp.arange(self.blocks.programs * envs))
        each = jax.vmap(jax.vmap(jax.random.fold_in, (None, 0)), (0, None))
        return each(jax.random.split(key, steps), index)


def optimizer(config: DistillConfig) -> optax.GradientTransformation:
    """Gradient clipping, then Adam."""
    return optax.chain(optax.clip_by_global_norm(config.max_grad_norm), optax.adam(config.learning_rate))


def teacher_share(config: Config, step: jax.Array) -> jax.Array:
    """Probability that a control step takes the teacher's action."""
    distill = config.distill
    return linear(distill.teacher_share, step // config.ppo.horizon, distill.teacher_share_iterations)
