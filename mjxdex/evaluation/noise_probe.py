"""How far exploration lifts objects: a policy acts with noises other than its own, side by side."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import Config, UserError
from mjxdex.evaluation.evaluate import evaluate
from mjxdex.learning.acting import going_on
from mjxdex.learning.learner import Learner
from mjxdex.learning.normalizer import RunningStats
from mjxdex.learning.state import Params
from mjxdex.learning.student_network import StudentNetwork
from mjxdex.networks.lstm import Carry
from mjxdex.runtime.trained import TrainedPolicy
from mjxdex.task.state import OBJECT_QPOS
from mjxdex.types import Observation

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


@dataclass(frozen=True, eq=False)
class Noisy:
    """A policy with noise on its actions, in the form that `evaluate` plays.

    Attributes:
      policy: What acts.
      std: float32 [N, A], of the noise in each env.
      correlation: float32 [N, 1].
      key: Typed PRNG key of all noise.
    """

    policy: Learner | StudentNetwork
    std: np.ndarray
    correlation: np.ndarray
    key: jax.Array

    def initial_carry(self, batch: int) -> tuple[Carry, jax.Array, jax.Array]:
        """The policy's, the last noise, and the number of steps."""
        return self.policy.initial_carry(batch), jnp.zeros(self.std.shape), jnp.zeros((), jnp.int32)

    def policy_step(self, params: Params, stats: RunningStats, obs: Observation, carry, reset: jax.Array):
        """See `Learner.policy_step`."""
        own, last, step = carry
        mean, own = self.policy.policy_step(params, stats, obs, own, reset)
        white = jax.random.normal(jax.random.fold_in(self.key, step), mean.shape)
        noise = going_on(self.correlation, last, white, reset)
        return mean + self.std * noise, (own, noise, step + 1)


def probe(
    policy: TrainedPolicy,
    config: Config,
    noises: Sequence[Noise],
    device: jax.Device,
    track: Callable[[range], Iterable[int]] = iter,
) -> list[np.ndarray]:
    """Plays one episode in every env; env i has noise i modulo their number.

    Args:
      policy, config, device, track: As for `evaluate`.
      noises: What to compare.

    Returns: For each noise what `lifts` says of its envs.
    Raises: UserError: The episodes are too short to tell.
    """
    if config.env.episode_length_s <= ARRIVAL_S:
        raise UserError(f"episodes of {config.env.episode_length_s:g} s; they must exceed {ARRIVAL_S:g} s")
    which = np.arange(config.env.num_envs) % len(noises)
    own = np.exp(np.asarray(policy.params["log_std"]))
    std = np.stack([own if noise.std is None else np.full_like(own, noise.std) for noise in noises])
    correlation = np.array([noise.correlation for noise in noises], np.float32)
    noisy = Noisy(policy.learner, std[which], correlation[which, None], jax.random.key(config.seed))
    _, seen = evaluate(policy._replace(learner=noisy), config, device, track)
    arrival, rest = (round(seconds / config.physics.control_period) for seconds in (ARRIVAL_S, REST_S))
    most = lifts(seen.qpos[..., OBJECT_QPOS][..., 2], seen.over, arrival, rest)
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
