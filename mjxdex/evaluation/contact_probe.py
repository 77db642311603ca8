"""How many contacts and constraint rows the task needs: hands in all sorts of contact, counted.

MJX-Warp has three counts to find room for. The first two share one budget, `physics.contacts_per_env` times
the envs of a device: the pairs of geoms that the broad phase passes on, and the contacts found between them.
The rows of constraints have a budget in each env, `physics.constraints_per_env`.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from mjxdex import objects as object_sets
from mjxdex import scene
from mjxdex.config import Config, UserError
from mjxdex.evaluation.probe_actions import POLICIES
from mjxdex.objects import ObjectSet
from mjxdex.physics import PhysicsState, Reading, WorldParams, Worlds
from mjxdex.robot.mjcf import ROBOT_GROUP
from mjxdex.task.env import Command, GraspEnv
from mjxdex.task.places import SPAWN_CENTRE
from mjxdex.types import Outcome

MARGIN = 1.25
"""What is recommended, as a multiple of the most that was needed."""
GRASP = 3
"""With so many contacts the hand is around the object."""
LIFTED = 0.1
"""An object this far above where it was dropped from is in the hand, metres."""


class Counts(NamedTuple):
    """What N worlds needed in a control step: the most of its physics steps.

    Attributes:
      pairs: int32 [], pairs of geoms that all worlds' broad phases passed on.
      contacts: int32 [N].
      constraints: int32 [N], rows.
      touches: int32 [N], contacts of robot and object.
    """

    pairs: jax.Array
    contacts: jax.Array
    constraints: jax.Array
    touches: jax.Array


_CountedReading = namedtuple("_CountedReading", (*Reading._fields, "counts"))
"""A `Reading` with what was needed."""


class _CountingWorlds(Worlds):
    """Worlds that also count."""

    def __init__(self, config: Config, model: mujoco.MjModel, objects: ObjectSet, num_envs: int) -> None:
        super().__init__(config, model, objects, num_envs)
        is_object = model.geom_bodyid == model.body(scene.OBJECT).id
        self._side = jnp.asarray(np.where(is_object, 1, np.where(model.geom_group == ROBOT_GROUP, 2, 0)))
        self._substeps = config.physics.substeps
        shapes = {
            "data.ncollision": (1,),
            "data.nacon": (1,),
            "data.nefc": (num_envs,),
            "data.contact.worldid": (self.contacts,),
            "data.contact.geom": (self.contacts, 2),
        }
        counted = {path: jax.ShapeDtypeStruct(shape, jnp.int32) for path, shape in shapes.items()}
        self._stepper = self._make_stepper(model, 1, counted)

    def step(
        self, state: PhysicsState, ctrl: jax.Array, params: WorldParams, wrench: jax.Array
    ) -> tuple[PhysicsState, _CountedReading]:
        readings, steps = [], []
        for _ in range(self._substeps):
            outputs = self._stepper(self._inputs(state, ctrl, params, wrench))
            state, reading = self._outcome(outputs)
            readings.append(reading)
            steps.append(self._count(outputs))
        counts = jax.tree.map(lambda *parts: jnp.stack(parts).max(axis=0), *steps)
        overflows = {
            name: jnp.stack([getattr(reading, name) for reading in readings]).any(axis=0)
            for name in ("contact_overflow", "constraint_overflow")
        }
        return state, _CountedReading(*readings[-1]._replace(**overflows), counts)

    def _count(self, outputs: Mapping[str, jax.Array]) -> Counts:
        world, geoms = outputs["data.contact.worldid"], outputs["data.contact.geom"]
        valid = jnp.arange(len(world)) < outputs["data.nacon"]
        touching = valid & (self._side[geoms].sum(axis=1) == 3)
        none = jnp.zeros(self.num_envs, jnp.int32)
        return Counts(
            pairs=outputs["data.ncollision"].reshape(()),
            contacts=none.at[world].add(valid),
            constraints=outputs["data.nefc"],
            touches=none.at[world].add(touching),
        )


class _CountingEnv(GraspEnv):
    """The task, whose outcomes tell what was needed."""

    def _outcome(self, state, now, diverged, reading, level) -> Outcome:
        outcome = super()._outcome(state, now, diverged, reading, level)
        return outcome._replace(info=outcome.info | {"counts": reading.counts})


class Use(NamedTuple):
    """What one policy needed in T control steps of N envs.

    Attributes:
      pairs: float [T], per env on average.
      contacts, constraints: int [T, N]; 0 where physics diverged.
      object_id: int [N].
      grasped: share of the envs in which robot and object had GRASP contacts at some time.
      lifted: share of the envs whose object was LIFTED at some time.
      diverged: share of the env steps whose physics diverged.
    """

    pairs: np.ndarray
    contacts: np.ndarray
    constraints: np.ndarray
    object_id: np.ndarray
    grasped: float
    lifted: float
    diverged: float

    @property
    def shared(self) -> float:
        """Most room that envs needed on average at a time, of what `physics.contacts_per_env` provides."""
        return float(np.maximum(self.pairs, self.contacts.mean(axis=1)).max())


def probe(
    config: Config,
    num_envs: int,
    steps: int,
    level: int,
    track: Callable[[range, str], Iterable[int]] = lambda steps, policy: steps,
) -> dict[str, Use]:
    """Plays each of POLICIES in all envs at once, from episodes that start at the same time.

    Args:
      config: of the run, with budgets that leave nothing out.
      num_envs: N, on one device. If there are more objects, N of them are taken from all over the set.
      steps: T, control steps with each policy.
      level: ADR level.
      track: wraps the iteration over the control steps with a policy, to show progress.

    Raises:
      UserError: if the budgets of `config` left something out, or its engine has none.
    """
    if config.physics.engine != "warp":
        raise UserError(
            f"physics.engine is {config.physics.engine}: MuJoCo C has no contact budget; probe MJX-Warp's"
        )
    objects = object_sets.load(config.env.objects)
    env_config = replace(config.env, num_envs=num_envs, spread_first_episodes=False)
    adr_config = replace(config.adr, start_level=level, max_level=level)
    config = replace(config, env=env_config, adr=adr_config, ppo=replace(config.ppo, minibatches=1))
    env = _CountingEnv(
        config, _CountingWorlds(config, scene.build(config, objects), objects, num_envs), objects
    )
    env_id = np.arange(num_envs, dtype=np.int32)
    if num_envs < len(objects):
        env_id = env_id * len(objects) // num_envs
    step = jax.jit(env.step)
    found = {}
    for policy, actions in POLICIES.items():
        act = jax.jit(lambda state, key, actions=actions: actions(state, config.env, key))
        key = jax.random.key(config.seed)
        state = jax.jit(env.init)(jnp.asarray(env_id))
        infos = []
        for _ in track(range(steps), policy):
            state, _, outcome = step(state, Command(act(state, key), jnp.int32(level)))
            infos.append(outcome.info)
            jax.block_until_ready(outcome.reward)  # no queue of steps, so that progress is true
        found[policy] = summarize(config, infos, env_id % len(objects))
    return found


def summarize(config: Config, infos: list[dict], object_id: np.ndarray) -> Use:
    """What was needed, from T outcomes' `info` with "counts".

    Raises:
      UserError: if the budgets of `config` left something out.
    """
    info = jax.tree.map(lambda *rows: np.stack(rows), *infos)
    for kind in ("contact", "constraint"):
        if info[f"sim/{kind}_overflow"].any():
            budget = getattr(config.physics, f"{kind}s_per_env")
            raise UserError(
                f"some env had more {kind}s than the probe's {budget} per env has room for; "
                f"give --{kind}s {2 * budget}"
            )
    counts, diverged = info["counts"], info["sim/diverged"] > 0
    held = info["env/object_height"] > SPAWN_CENTRE[2] + LIFTED
    return Use(
        pairs=counts.pairs / len(object_id),
        contacts=np.where(diverged, 0, counts.contacts),
        constraints=np.where(diverged, 0, counts.constraints),
        object_id=object_id,
        grasped=float((counts.touches >= GRASP).any(axis=0).mean()),
        lifted=float(held.any(axis=0).mean()),
        diverged=float(diverged.mean()),
    )
