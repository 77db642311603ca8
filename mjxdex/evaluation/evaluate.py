"""Runs a trained policy on every object of its set and counts successes."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import Config
from mjxdex.evaluation.report import Report, summarize
from mjxdex.render import DepthView
from mjxdex.runtime.sims import Simulators
from mjxdex.runtime.trained import TrainedPolicy
from mjxdex.task import sensing
from mjxdex.task.env import Command
from mjxdex.task.state import EnvState


class Trajectories(NamedTuple):
    """What all envs did, after each control step.

    Attributes:
      qpos: float32 [T, N, 30].
      success: bool [T, N].
      seen_qpos: float32 [T, N, 30], the poses that the depth images show.
      views: what decides them besides, leaves [T, N, ...].
    """

    qpos: np.ndarray
    success: np.ndarray
    seen_qpos: np.ndarray
    views: DepthView


def evaluate(
    policy: TrainedPolicy, config: Config, device: jax.Device, track: Callable[[range], Iterable[int]] = iter
) -> tuple[Report, Trajectories]:
    """Plays one episode in every env with the policy's mean action.

    Args:
      policy: What to evaluate.
      config: Of the evaluation: the number of envs, the length of the episodes, the seed, the objects and the
        ADR level (`adr.start_level`) may differ from the policy's own.
      device: Simulates and infers.
      track: Wraps the iteration over control steps, such as rich.progress.track.

    Returns: Success over all envs and object by object; what the envs did.
    """
    sims = Simulators(config, [device])
    learner = policy.learner
    level = jnp.full((1,), config.adr.start_level, jnp.int32)

    @jax.jit
    def act(params, stats, obs, depth, carry, reset):
        obs = jax.tree.map(lambda leaf: leaf[0], obs._replace(depth=depth))
        mean, carry = learner.policy_step(params, stats, obs, carry, reset)
        return Command(action=mean[None], adr_level=level), carry

    params, stats = jax.device_put((policy.params, policy.stats), device)
    state: EnvState = sims.init()
    obs, _ = sims.first(state)
    depth = sims.render(state)
    carry, _ = learner.networks.initial_carries(config.env.num_envs)
    reset = jnp.ones(config.env.num_envs, bool)

    @jax.jit
    def view(state: EnvState) -> tuple[jax.Array, DepthView]:
        state = jax.tree.map(lambda leaf: leaf[0], state)
        return sensing.seen_qpos(state), sensing.depth_view(state, sims.env.key)

    qpos, success, done, views = [], [], [], []
    for _ in track(range(sims.env.episode_steps)):
        command, carry = act(params, stats, obs, depth, carry, reset)
        state, obs, outcome = sims.step(state, command)
        depth = sims.render(state)
        reset = (outcome.terminated | outcome.truncated)[0]
        qpos.append(np.asarray(state.physics.qpos[0]))
        success.append(np.asarray(outcome.success[0]))
        done.append(np.asarray(reset))
        views.append(jax.device_get(view(state)))
    report = summarize(np.stack(success), np.stack(done), sims.objects, policy, config.adr.start_level)
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *views)
    return report, Trajectories(np.stack(qpos), np.stack(success), *stacked)
