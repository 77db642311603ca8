"""How much a policy looks: what it would do if it saw the images of another env."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import Config, UserError
from mjxdex.evaluation.evaluate import evaluate
from mjxdex.learning.learner import Learner
from mjxdex.learning.normalizer import RunningStats
from mjxdex.learning.state import Params
from mjxdex.learning.student_network import StudentNetwork
from mjxdex.networks.lstm import Carry
from mjxdex.runtime.trained import TrainedPolicy
from mjxdex.types import Observation

ARRIVAL_S = 1.0
"""Seconds until hands are near their objects; what is done before does not count."""


class Sight(NamedTuple):
    """Attributes:
    varies: float32 [A], standard deviation of each action over the envs.
    changed: float32 [A], root mean square change of each action with the images of another env.
    """

    varies: np.ndarray
    changed: np.ndarray

    @property
    def share(self) -> float:
        """Changes in place of variation, over all actions: 0 for a blind policy."""
        return float(np.sqrt((self.changed**2).mean() / (self.varies**2).mean()))


@dataclass(frozen=True, eq=False)
class Mistaken:
    """A policy that acts on what it sees and notes what it would do seeing what its neighbour sees.

    Attributes:
      policy: What acts.
      notes: For each control step both mean actions, float32 [2, N, A], not clipped.
    """

    policy: Learner | StudentNetwork
    notes: list[np.ndarray] = field(default_factory=list)

    def initial_carry(self, batch: int) -> tuple[Carry, Carry]:
        """One memory of what was seen, one of what the neighbour saw."""
        return self.policy.initial_carry(batch), self.policy.initial_carry(batch)

    def policy_step(self, params: Params, stats: RunningStats, obs: Observation, carry, reset: jax.Array):
        """See `Learner.policy_step`."""
        depth, stereo = jax.tree.map(lambda images: jnp.roll(images, 1, axis=0), (obs.depth, obs.stereo))
        other = obs._replace(depth=depth, stereo=stereo)
        mean, seen = self.policy.policy_step(params, stats, obs, carry[0], reset)
        mistaken, not_seen = self.policy.policy_step(params, stats, other, carry[1], reset)
        jax.debug.callback(self._note, jnp.stack([mean, mistaken]), ordered=True)
        return mean, (seen, not_seen)

    def _note(self, actions: jax.Array) -> None:
        self.notes.append(np.asarray(actions))


def probe(
    policy: TrainedPolicy,
    config: Config,
    device: jax.Device,
    track: Callable[[range], Iterable[int]] = iter,
) -> Sight:
    """Plays one episode in every env, arguments as for `evaluate`.

    Raises: UserError: The policy has no camera, there is no other env, or the episodes are too short.
    """
    if not (config.observation.depth or config.observation.stereo):
        raise UserError("this policy has no camera; probe one that sees")
    if config.env.num_envs < 2 or config.env.episode_length_s <= ARRIVAL_S:
        raise UserError(
            f"{config.env.num_envs} envs of {config.env.episode_length_s:g} s; it takes 2 or more, above "
            f"{ARRIVAL_S:g} s"
        )
    mistaken = Mistaken(policy.learner)
    evaluate(policy._replace(learner=mistaken), config, device, track)
    jax.effects_barrier()
    arrival = round(ARRIVAL_S / config.physics.control_period)
    seen, not_seen = np.stack(mistaken.notes[arrival:], axis=1)
    return Sight(seen.std(axis=1).mean(axis=0), np.sqrt(((seen - not_seen) ** 2).mean(axis=(0, 1))))
