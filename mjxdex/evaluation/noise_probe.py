"""How far exploration lifts objects: a policy acts with noises other than its own, side by side."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import Config, UserError
from mjxdex.learning.acting import going_on
from mjxdex.runtime.sims import Simulators
from mjxdex.runtime.trained import TrainedPolicy
from mjxdex.task.env import Command
from mjxdex.task.state import OBJECT_QPOS

ARRIVAL_S, REST_S = 2.0, 0.5
"""Seconds until hands are at their objects, and before that, in which the height at rest is taken."""


class Noise(NamedTuple):
    """Standard deviation of every action component, None for the policy's own, and correlation of one
    control step's noise with the one before; see `ppo.noise_correlation`."""

    std: float | None
    correlation: float

    @classmethod
    def parse(cls, text: str) -> "Noise":
        """Such as 0.11, 0.11:0.9 or own:0.9. Raises UserError: It is none."""
        size, _, correlation = text.partition(":")
        try:
            noise = cls(None if size == "own" else float(size), float(correlation or 0))
        except ValueError:
            noise = cls(None, 1.0)
        if not (0 <= noise.correlation < 1 and (noise.std is None or noise.std >= 0)):
            raise UserError(
                f"noise {text!r} is none; give a standard deviation, or the word own, and perhaps a "
                "correlation from 0 to below 1, such as 0.11:0.9"
            )
        return noise


def probe(
    policy: TrainedPolicy,
    config: Config,
    noises: Sequence[Noise],
    device: jax.Device,
    track: Callable[[range], Iterable[int]] = iter,
) -> list[np.ndarray]:
    """Plays one episode in every env; env i has noise i modulo their number.

    Args:
      policy: What acts.
      config: Of the episodes.
      noises: What to compare.
      device: Simulates and infers.
      track: Wraps the iteration over control steps.

    Returns: For each noise what `lifts` says of its envs.
    Raises: UserError: The episodes are too short to tell.
    """
    rate = 1 / config.physics.control_period
    arrival, rest = round(ARRIVAL_S * rate), round(REST_S * rate)
    sims = Simulators(config, [device])
    if sims.env.episode_steps <= arrival:
        raise UserError(f"episodes of {sims.env.episode_steps / rate:g} s; they must exceed {ARRIVAL_S:g} s")
    num_envs = config.env.num_envs
    which = np.arange(num_envs) % len(noises)
    own = np.exp(np.asarray(policy.params["log_std"]))
    std = np.stack([own if noise.std is None else np.full_like(own, noise.std) for noise in noises])[which]
    correlation = np.array([n.correlation for n in noises], np.float32)[which, None]
    level = jnp.full((1,), config.adr.start_level, jnp.int32)

    @jax.jit
    def act(params, stats, obs, carry, reset, last, key):
        obs = jax.tree.map(lambda leaf: leaf[0], obs)
        mean, carry = policy.learner.policy_step(params, stats, obs, carry, reset)
        noise = going_on(correlation, last, jax.random.normal(key, mean.shape), reset)
        return Command(action=(mean + std * noise)[None], adr_level=level), carry, noise

    carry, noise = policy.learner.initial_carry(num_envs), jnp.zeros(std.shape)
    state = sims.init()
    obs, reset = sims.first(state)[0], jnp.ones(num_envs, bool)
    height, over = [], []
    for step in track(range(sims.env.episode_steps)):
        obs = obs._replace(depth=sims.render(state), stereo=sims.render_stereo(state))
        key = jax.random.fold_in(jax.random.key(config.seed), step)
        command, carry, noise = act(policy.params, policy.stats, obs, carry, reset, noise, key)
        state, obs, outcome = sims.step(state, command)
        reset = (outcome.terminated | outcome.truncated)[0]
        height.append(np.asarray(state.physics.qpos[0][:, OBJECT_QPOS][:, 2]))
        over.append(np.asarray(reset))
    most = lifts(np.stack(height), np.stack(over), arrival, rest)
    return [most[which == k] for k in range(len(noises))]


def lifts(height: np.ndarray, over: np.ndarray, arrival: int, rest: int) -> np.ndarray:
    """How far each object rises above where it lay, metres [N].

    Args:
      height: of objects, metres [T, N], after each control step.
      over: bool [T, N], where an episode ended; what comes after does not count.
      arrival, rest: Control steps until hands are there, and before that in which the median is where it lay.
    """
    over = np.logical_or.accumulate(over, axis=0)
    risen = height[arrival:] - np.median(height[arrival - rest : arrival], axis=0)
    return np.max(np.where(over[arrival:], 0.0, risen), axis=0)
