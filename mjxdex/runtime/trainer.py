"""One training iteration over any split of devices: a rollout (paper, Algorithms 1 and 2) and its update."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import Config
from mjxdex.learning.acting import join
from mjxdex.learning.rollout import Rollout
from mjxdex.learning.state import ActingState, LearnerState
from mjxdex.runtime import machines, topology
from mjxdex.runtime.learner_mesh import ACTING, COPIED, ROLLOUT, SPLIT, LearnerMesh
from mjxdex.runtime.phases import Phases
from mjxdex.runtime.shipping import Shipment
from mjxdex.runtime.sims import Simulators
from mjxdex.runtime.topology import Topology
from mjxdex.runtime.trained import make_learner
from mjxdex.runtime.transfers import Transfers, parts_on
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
      acting: Recurrent carries and episode statistics; split over the actors by env.
      adr: Copied to each actor.
      envs: On the simulators, leaves [S, N / S, ...]; in a checkpoint [N, ...].
    """

    iteration: jax.Array
    learner: LearnerState
    acting: ActingState
    adr: AdrState
    envs: EnvState


class Collected(NamedTuple):
    """A closed rollout, its metrics, and what goes on from its end."""

    rollout: Rollout
    metrics: dict[str, jax.Array]
    acting: ActingState
    adr: AdrState
    envs: EnvState


class Trainer:
    """Programs of the simulators and of the learners, and the order in which they run.

    The policy acts, and the rollout grows, on the actors: the learners, or with `runtime.trajectory`
    simulator the simulators.
    """

    acting_layout: Any = ACTING
    """How the state's `acting` is laid out over the actors."""
    loss = "policy_loss"
    """Name of the metric that must stay finite."""
    script = "train.py"
    """What goes on with a run of this trainer."""

    def __init__(self, config: Config, split: Topology) -> None:
        self.config = config
        self.topology = split
        self.sims = self._simulators()
        self.learners = LearnerMesh(topology.everywhere(split.learners))
        acts_there = config.runtime.trajectory == "simulator" and split.sims != split.learners
        self.actors = LearnerMesh(topology.everywhere(split.sims)) if acts_there else self.learners
        self.transfers = Transfers(
            split.sims, self.sims.sharding, self.actors.local, self.actors.sharding(SPLIT)
        )
        self.shipment = Shipment(self.actors, self.learners) if acts_there else None
        self._messages: tuple[Message, ...] | None = None
        self._ahead: Collected | None = None
        self._compile()

    def _simulators(self) -> Simulators:
        return Simulators(self.config, self.topology.sims)

    def _compile(self) -> None:
        """Makes the programs of actors and learners."""
        self.actor = make_learner(self.config, self.actors.blocks)
        self.learner = make_learner(self.config, self.learners.blocks)
        self.rollout: Rollout | None = None
        self._act = self.actors.program(
            self._act_and_rise,
            inputs=(COPIED, ACTING, COPIED, ROLLOUT, COPIED, SPLIT),
            outputs=(ACTING, COPIED, ROLLOUT, SPLIT),
            donate=(1, 2, 3),
        )
        self._close = self.actors.program(
            self._close_and_rise,
            inputs=(COPIED, ACTING, COPIED, ROLLOUT, SPLIT),
            outputs=(ACTING, COPIED, ROLLOUT, COPIED),
            donate=(1, 2, 3),
        )
        self._learn = self.learners.program(
            self.learner.learn, inputs=(COPIED, ROLLOUT), outputs=(COPIED, COPIED), donate=(0,)
        )

    def parameters(self, state: TrainState) -> Any:
        """What is learned."""
        return state.learner.policy, state.learner.critic

    def begin(self, folder: Path) -> None:
        """Called once with the new run's folder."""

    def init(self, begin: Callable[[TrainState], TrainState] | None = None) -> TrainState:
        """The state of a run that has done nothing yet.

        Args:
          begin: Changes all but the envs of the fresh state before it is placed.
        """
        iteration, learner, acting, level = jax.jit(self._fresh_learner)()
        state = TrainState(iteration, learner, acting, level, self.sims.init())
        return self._placed(begin(state) if begin else state)

    def saved_shapes(self) -> TrainState:
        """Shapes and types of what `to_host` returns."""
        ids = jax.ShapeDtypeStruct((self.config.env.num_envs,), jnp.int32)
        iteration, learner, acting, level = jax.eval_shape(self._fresh_learner)
        return TrainState(iteration, learner, acting, level, jax.eval_shape(self.sims.env.init, ids))

    def place(self, saved: TrainState) -> TrainState:
        """Puts a state from `to_host` (or a checkpoint) onto the devices of this trainer's split."""
        return self._placed(saved._replace(envs=self.sims.from_global(saved.envs)))

    def _placed(self, state: TrainState) -> TrainState:
        """Commits all but the envs to devices: programs are compiled once for where their inputs are."""
        self._messages = self._ahead = None
        iteration, learner = self.learners.put(state[:2], (COPIED, COPIED))
        acting, level = self.actors.put(state[2:4], (self.acting_layout, COPIED))
        return TrainState(iteration, learner, acting, level, state.envs)

    def to_host(self, state: TrainState) -> TrainState:
        """The state whatever the split: its envs' leaves [N, ...] on the host, the rest on one learner.

        Not for a state whose next rollout was collected ahead.
        """
        assert self._ahead is None
        here = self.learners.local[0]
        iteration, learner = one_copy(state[:2], here)
        if machines.several():
            (acting, level), envs = machines.whole(state[2:4]), self.sims.to_global(state.envs)
            return TrainState(iteration, learner, acting, level, envs)
        acting, level = jax.device_put(state[2:4], here)
        return TrainState(iteration, learner, acting, level, self.sims.to_global(state.envs))

    def iterate(
        self, state: TrainState, phases: Phases, ahead: bool = False
    ) -> tuple[TrainState, dict[str, jax.Array]]:
        """One rollout of `ppo.horizon` steps and its update; `state` is used up.

        Args:
          state: Of this trainer's last call, or placed by it.
          phases: Times them.
          ahead: Whether to collect the next rollout too, while learning from this one; by the parameters
            that collected this one.

        Returns: The next state and float32 scalars by name, on each learner.
        """
        iteration, learner, acting, level, envs = state
        behaviour = self._behaviour(learner) if ahead or self._ahead is None else None
        now = self._ahead or self._collect(behaviour, acting, level, envs, phases)
        rollout = now.rollout
        if self.shipment is not None:
            with phases("transfer") as done:
                rollout = done(self.shipment(rollout))
        with phases("update") as done:
            learner, metrics = done(self._learn(learner, rollout))
        self._ahead = None
        end = now
        if ahead:
            end = self._ahead = self._collect(behaviour, now.acting, now.adr, now.envs, phases)
        state = TrainState(iteration + 1, learner, end.acting, end.adr, end.envs)
        return state, now.metrics | metrics

    def _behaviour(self, learner: LearnerState) -> LearnerState:
        """What acts: the learner's parameters and statistics on the actors."""
        if self.shipment is None:
            return learner
        acts = one_copy(learner._replace(policy_opt=None, critic_opt=None), self.learners.local[0])
        return self.actors.assemble([jax.device_put(acts, actor) for actor in self.actors.local], COPIED)

    def _collect(
        self, behaviour: Any, acting: ActingState, level: AdrState, envs: EnvState, phases: Phases
    ) -> Collected:
        """A rollout, in the memory of the last one; all arguments but `behaviour` are used up."""
        messages, rollout = self._messages, self.rollout
        if messages is None:
            with phases("render") as done:
                obs, outcome = self.sims.first(envs)
                messages = done(self._send(obs, self.sims.render(envs), outcome))
        if rollout is None:
            rollout = self._empty_rollout(messages[0].outcome.info)
        for t in range(self.config.ppo.horizon):
            with phases("inference") as done:
                acting, level, rollout, commands = done(
                    self._act(behaviour, acting, level, rollout, np.int32(t), messages)
                )
            with phases("transfer") as done:
                command = done(self.transfers.receive(commands))
            with phases("physics") as done:
                envs, obs, outcome = done(self.sims.step(envs, command))
            with phases("render") as done:
                depth = done(self.sims.render(envs))
            with phases("transfer") as done:
                messages = done(self._send(obs, depth, outcome))
        with phases("inference") as done:
            acting, level, rollout, metrics = done(self._close(behaviour, acting, level, rollout, messages))
        self._messages, self.rollout = messages, rollout
        return Collected(rollout, metrics, acting, level, envs)

    def _send(self, obs: Observation, depth: jax.Array | None, outcome: Outcome) -> tuple[Message, ...]:
        return self.transfers.send(Message(obs=obs._replace(depth=depth), outcome=outcome))

    def _empty_rollout(self, info_names: Iterable[str]) -> Rollout:
        layout = self.actors.sharding(ROLLOUT)
        empty = jax.jit(self.actor.empty_rollout, static_argnums=(0, 1), out_shardings=layout)
        return empty(self.config.env.num_envs, tuple(info_names))

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
        messages = without_shard_axis(messages)
        level = self._rise_after(t, level, messages)
        acting, rollout, actions = self.actor.act(learner, acting, rollout, t, messages)
        commands = tuple(Command(action=a[None], adr_level=level.level[None]) for a in actions)
        return acting, level, rollout, commands

    def _close_and_rise(
        self,
        learner: LearnerState,
        acting: ActingState,
        level: AdrState,
        rollout: Rollout,
        messages: tuple[Message, ...],
    ) -> tuple[ActingState, AdrState, Rollout, dict[str, jax.Array]]:
        messages = without_shard_axis(messages)
        level = self._rise(level, messages)
        acting, rollout, metrics = self.actor.close(learner, acting, rollout, messages)
        return acting, level, rollout, {**metrics, "adr/level": level.level, "adr/resets": level.resets}

    def _rise_after(self, t: jax.Array, level: AdrState, messages: tuple[Message, ...]) -> AdrState:
        """The first messages of an iteration were already looked at when the last one ended."""
        risen = self._rise(level, messages)
        return jax.tree.map(lambda new, old: jnp.where(t > 0, new, old), risen, level)

    def _rise(self, level: AdrState, messages: tuple[Message, ...]) -> AdrState:
        outcome, every = join(messages).outcome, self.actors.blocks.every
        done = outcome.terminated | outcome.truncated
        return adr.update(self.config.adr, level, every(outcome.success), every(done))


def one_copy(tree: Any, device: jax.Device) -> Any:
    """Arrays that each learner has, as this process's learner `device` has them."""
    (mine,) = parts_on([device], tree)
    return mine


def without_shard_axis(messages: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[0], messages)
