"""One training iteration over any split of devices: a rollout (paper, Algorithms 1 and 2) and its update."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import Config
from mjxdex.learning.acting import join
from mjxdex.learning.rollout import Rollout
from mjxdex.learning.state import ActingState, LearnerState
from mjxdex.runtime.learner_mesh import ACTING, COPIED, ROLLOUT, SPLIT, LearnerMesh
from mjxdex.runtime.phases import Phases
from mjxdex.runtime.sims import Simulators
from mjxdex.runtime.topology import Topology
from mjxdex.runtime.trained import make_learner
from mjxdex.runtime.transfers import Transfers
from mjxdex.task import adr
from mjxdex.task.adr import AdrState
from mjxdex.task.env import Command
from mjxdex.task.state import EnvState
from mjxdex.types import Message, Observation, Outcome


class TrainState(NamedTuple):
    """Everything a run needs to go on exactly where it was.

    Attributes:
      iteration: int32 [], iterations done.
      learner: Parameters, optimizers, normalizers, random streams; copied to each learner.
      acting: Recurrent carries and episode statistics; split over the learners by env.
      adr: Copied to each learner.
      envs: On the simulators, leaves [S, N / S, ...]; in a checkpoint [N, ...].
    """

    iteration: jax.Array
    learner: LearnerState
    acting: ActingState
    adr: AdrState
    envs: EnvState


class Trainer:
    """Programs of the simulator devices and of the learners, and the order in which they run."""

    def __init__(self, config: Config, topology: Topology) -> None:
        self.config = config
        self.topology = topology
        self.sims = Simulators(config, topology.sims)
        self.mesh = LearnerMesh(topology.learners)
        self.transfers = Transfers(
            topology.sims, self.sims.sharding, topology.learners, self.mesh.sharding(SPLIT)
        )
        self.learner = make_learner(config, self.mesh.blocks)
        self._act = self.mesh.program(
            self._act_and_rise,
            inputs=(COPIED, ACTING, COPIED, ROLLOUT, COPIED, SPLIT),
            outputs=(ACTING, COPIED, ROLLOUT, SPLIT),
            donate=(1, 2, 3),
        )
        self._update = self.mesh.program(
            self._update_and_rise,
            inputs=(COPIED, ACTING, COPIED, ROLLOUT, SPLIT),
            outputs=(COPIED, ACTING, COPIED, ROLLOUT, COPIED),
            donate=(0, 1, 2, 3),
        )
        self.rollout: Rollout | None = None
        self._messages: tuple[Message, ...] | None = None

    def init(self) -> TrainState:
        """The state of a run that has done nothing yet."""
        iteration, learner, acting, level = jax.jit(self._fresh_learner)()
        return self.on_learners(TrainState(iteration, learner, acting, level, self.sims.init()))

    def saved_shapes(self) -> TrainState:
        """Shapes and types of what `to_host` returns."""
        ids = jax.ShapeDtypeStruct((self.config.env.num_envs,), jnp.int32)
        iteration, learner, acting, level = jax.eval_shape(self._fresh_learner)
        return TrainState(iteration, learner, acting, level, jax.eval_shape(self.sims.env.init, ids))

    def place(self, saved: TrainState) -> TrainState:
        """Puts a state from `to_host` (or a checkpoint) onto the devices of this trainer's split."""
        self._messages = None
        return self.on_learners(saved._replace(envs=self.sims.from_global(saved.envs)))

    def on_learners(self, state: TrainState) -> TrainState:
        """Commits all but the envs to the learners: programs are compiled once for where their inputs are."""
        layout = self.mesh.sharding((COPIED, COPIED, ACTING, COPIED))
        iteration, learner, acting, level = jax.device_put(state[:4], layout)
        return TrainState(iteration, learner, acting, level, state.envs)

    def to_host(self, state: TrainState) -> TrainState:
        """The state whatever the split: its envs' leaves [N, ...] on the host, the rest on one learner."""
        iteration, learner, acting, level = jax.device_put(state[:4], self.topology.learners[0])
        return TrainState(iteration, learner, acting, level, self.sims.to_global(state.envs))

    def iterate(self, state: TrainState, phases: Phases) -> tuple[TrainState, dict[str, jax.Array]]:
        """One rollout of `ppo.horizon` steps and its update; `state` is used up.

        Returns: The next state and float32 scalars by name, on each learner.
        """
        iteration, learner, acting, level, envs = state
        messages, rollout = self._messages, self.rollout
        if messages is None:
            with phases("render") as done:
                obs, outcome = self.sims.first(envs)
                messages = done(self._send(obs, self.sims.render(envs), outcome))
        if rollout is None:
            rollout = self._empty_rollout(tuple(messages[0].outcome.info))

        for t in range(self.config.ppo.horizon):
            with phases("inference") as done:
                acting, level, rollout, commands = done(
                    self._act(learner, acting, level, rollout, np.int32(t), messages)
                )
            with phases("transfer") as done:
                command = done(self.transfers.receive(commands))
            with phases("physics") as done:
                envs, obs, outcome = done(self.sims.step(envs, command))
            with phases("render") as done:
                depth = done(self.sims.render(envs))
            with phases("transfer") as done:
                messages = done(self._send(obs, depth, outcome))

        with phases("update") as done:
            learner, acting, level, self.rollout, metrics = done(
                self._update(learner, acting, level, rollout, messages)
            )
        self._messages = messages
        return TrainState(iteration + 1, learner, acting, level, envs), metrics

    def _send(self, obs: Observation, depth: jax.Array | None, outcome: Outcome) -> tuple[Message, ...]:
        return self.transfers.send(Message(obs=obs._replace(depth=depth), outcome=outcome))

    def _empty_rollout(self, info_names: tuple[str, ...]) -> Rollout:
        layout = self.mesh.sharding(ROLLOUT)
        empty = jax.jit(self.learner.empty_rollout, static_argnums=(0, 1), out_shardings=layout)
        return empty(self.config.env.num_envs, info_names)

    def _fresh_learner(self) -> tuple[jax.Array, LearnerState, ActingState, AdrState]:
        key = jax.random.fold_in(jax.random.key(self.config.seed), 0)
        learner, acting = self.learner.init(key, self.config.env.num_envs)
        return jnp.zeros((), jnp.int32), learner, acting, adr.init(self.config.adr)

    def _act_and_rise(
        self,
        learner: LearnerState,
        acting: ActingState,
        level: AdrState,
        rollout: Rollout,
        t: jax.Array,
        messages: tuple[Message, ...],
    ) -> tuple[ActingState, AdrState, Rollout, tuple[Command, ...]]:
        messages = _without_shard_axis(messages)
        risen = self._rise(level, messages)
        # The first messages of a rollout were already looked at by the last update.
        level = jax.tree.map(lambda new, old: jnp.where(t > 0, new, old), risen, level)
        acting, rollout, actions = self.learner.act(learner, acting, rollout, t, messages)
        commands = tuple(Command(action=a[None], adr_level=level.level[None]) for a in actions)
        return acting, level, rollout, commands

    def _update_and_rise(
        self,
        learner: LearnerState,
        acting: ActingState,
        level: AdrState,
        rollout: Rollout,
        messages: tuple[Message, ...],
    ) -> tuple[LearnerState, ActingState, AdrState, Rollout, dict[str, jax.Array]]:
        messages = _without_shard_axis(messages)
        level = self._rise(level, messages)
        learner, acting, rollout, metrics = self.learner.update(learner, acting, rollout, messages)
        metrics = {**metrics, "adr/level": level.level, "adr/resets": level.resets}
        return learner, acting, level, rollout, metrics

    def _rise(self, level: AdrState, messages: tuple[Message, ...]) -> AdrState:
        outcome, every = join(messages).outcome, self.learner.blocks.every
        done = outcome.terminated | outcome.truncated
        return adr.update(self.config.adr, level, every(outcome.success), every(done))


def _without_shard_axis(messages: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[0], messages)
