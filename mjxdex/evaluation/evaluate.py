"""Runs a trained policy on every object of its set and counts successes."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import Config
from mjxdex.evaluation.report import Report, summarize
from mjxdex.evaluation.stereo_record import StereoKeys
from mjxdex.learning.student_network import StudentNetwork
from mjxdex.render import DepthView
from mjxdex.runtime.sims import Simulators
from mjxdex.runtime.trained import TrainedPolicy
from mjxdex.task import sensing
from mjxdex.task.env import Command
from mjxdex.task.state import OBJECT_QPOS, EnvState
from mjxdex.types import Observation


class Trajectories(NamedTuple):
    """What all envs did, after each control step.

    Attributes:
      qpos: float32 [T, N, 30].
      success: bool [T, N].
      over: bool [T, N], an episode ended.
      seen_qpos: float32 [T, N, 30], the poses that the depth images show.
      views: what decides the images beside the poses, leaves [T, N, ...].
      object_pos: float32 [T, N, 3], where a student believed the object to be before each control step,
        metres; None for other policies.
    """

    qpos: np.ndarray
    success: np.ndarray
    over: np.ndarray
    seen_qpos: np.ndarray
    views: DepthView | StereoKeys
    object_pos: np.ndarray | None

    @property
    def best(self) -> int:
        """The env whose object was longest in the goal region."""
        return int(self.success.sum(axis=0).argmax())


def whole_episodes(config: Config, num_envs: int, seconds: float, level: int) -> Config:
    """For an evaluation: one episode in each of `num_envs` envs, all from their start, at an ADR level."""
    env = replace(
        config.env,
        num_envs=num_envs,
        episode_length_s=seconds,
        spread_first_episodes=False,
        success_timeout_s=0.0,
    )
    adr = replace(config.adr, start_level=level, max_level=max(level, config.adr.max_level))
    return replace(config, env=env, adr=adr, ppo=replace(config.ppo, minibatches=1))


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
    def act(params, stats, obs, carry, reset):
        obs = jax.tree.map(lambda leaf: leaf[0], obs)
        if isinstance(learner, StudentNetwork):
            mean, believed, carry = learner.predict_step(params, stats, obs, carry, reset)
        else:
            (mean, carry), believed = learner.policy_step(params, stats, obs, carry, reset), None
        return Command(action=mean[None], adr_level=level), believed, carry

    @jax.jit
    def view(state: EnvState) -> tuple[jax.Array, DepthView | StereoKeys]:
        state = jax.tree.map(lambda leaf: leaf[0], state)
        if config.observation.stereo:
            keys = map(jax.random.key_data, sensing.stereo_keys(state, sims.env.key))
            return state.physics.qpos, StereoKeys(*keys)
        return sensing.seen_qpos(state), sensing.depth_view(state, sims.env.key)

    def seen(state: EnvState, obs: Observation) -> Observation:
        return obs._replace(depth=sims.render(state), stereo=sims.render_stereo(state))

    num_envs = config.env.num_envs
    student = isinstance(learner, StudentNetwork)
    carry = learner.initial_carry(num_envs)
    params, stats = jax.device_put((policy.params, policy.stats), device)
    state: EnvState = sims.init()
    obs = seen(state, sims.first(state)[0])
    reset = jnp.ones(num_envs, bool)
    qpos, success, over, views, believed, true, actions = [], [], [], [], [], [], []
    for _ in track(range(sims.env.episode_steps)):
        command, object_pos, carry = act(params, stats, obs, carry, reset)
        if object_pos is not None:
            believed.append(np.asarray(object_pos))
            true.append(np.asarray(state.physics.qpos[0, :, OBJECT_QPOS][:, :3]))
        state, obs, outcome = sims.step(state, command)
        obs = seen(state, obs)
        reset = (outcome.terminated | outcome.truncated)[0]
        actions.append(np.asarray(command.action[0]))
        qpos.append(np.asarray(state.physics.qpos[0]))
        success.append(np.asarray(outcome.success[0]))
        over.append(np.asarray(reset))
        views.append(jax.device_get(view(state)))
    error = np.linalg.norm(np.stack(believed) - np.stack(true), axis=-1) if student else None
    success, over = np.stack(success), np.stack(over)
    report = summarize(success, over, sims.objects, policy, config.adr.start_level, error, np.stack(actions))
    seen_qpos, views = jax.tree.map(lambda *leaves: np.stack(leaves), *views)
    guesses = np.stack(believed) if student else None
    return report, Trajectories(np.stack(qpos), success, over, seen_qpos, views, guesses)
