"""The arrays that cross between the simulator shards and the learner."""

from typing import NamedTuple

import jax

DEPTH_UNIT = 1e-4
"""Metres per count of a uint16 depth image: 0.1 mm, up to 6.55 m; 0 means that nothing was hit."""


class Observation(NamedTuple):
    """What the networks see of B envs, after any reset.

    Attributes:
      policy: float32 [B, P], the policy's proprioception (and object state, for a state policy).
      critic: float32 [B, C], the critic's privileged state, noise-free.
      depth: uint16 [B, H, W] planar depth in DEPTH_UNIT, or None where nobody sees the depth camera.
      stereo: uint8 [B, 2, H, W, 3] sRGB of the left and the right eye, upright, or None likewise.
    """

    policy: jax.Array
    critic: jax.Array
    depth: jax.Array | None
    stereo: jax.Array | None = None


class Outcome(NamedTuple):
    """What the last action of B envs led to, before any reset.

    Attributes:
      reward: float32 [B], unscaled sum of the reward terms.
      terminated: bool [B], the episode ended for good.
      truncated: bool [B], the episode was cut by its time limit (and did not terminate).
      success: bool [B], the object is in the goal region.
      critic_final: float32 [B, C], the critic's observation before the reset, to bootstrap time limits.
      info: float32 [B] arrays by name, averaged into the metrics.
    """

    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    success: jax.Array
    critic_final: jax.Array
    info: dict[str, jax.Array]


class Message(NamedTuple):
    """One control step of one simulator shard, as sent to the learner."""

    obs: Observation
    outcome: Outcome
