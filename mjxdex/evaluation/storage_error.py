"""How far a stored policy acts from the exact one."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.config import Config
from mjxdex.learning.state import Params
from mjxdex.runtime.trained import TrainedPolicy, make_network
from mjxdex.types import DEPTH_UNIT, Observation

STEPS = 50
"""Recurrent steps, each policy fed its own state."""
ENVS = 2


class ActionError(NamedTuple):
    """Differences of mean actions, not clipped, over random inputs; an action's range is -1 to 1.

    Attributes:
      largest: Largest absolute difference.
      rms: Root of the mean squared difference.
      action_rms: Root of the mean squared action itself.
    """

    largest: float
    rms: float
    action_rms: float


def action_error(exact: TrainedPolicy, stored: Params) -> ActionError:
    """Compares two sets of parameters of a policy, in float32.

    The inputs are normally distributed observations with the policy's own mean and variance, and images of
    random pixels, depth over the camera's range.
    """
    config = exact.config
    network = dataclasses.replace(config.network, compute_dtype="float32")
    runner = make_network(dataclasses.replace(config, network=network))
    step, carry = jax.jit(runner.policy_step), runner.initial_carry(ENVS)
    rng, stats = np.random.default_rng(0), jax.device_get(exact.stats)
    carries, going_on, actions = [carry] * 2, jnp.zeros(ENVS, bool), []
    for _ in range(STEPS):
        obs = stats.mean + np.sqrt(stats.var) * rng.normal(size=(ENVS, *stats.mean.shape))
        inputs = _seen(rng, config, jnp.asarray(obs, jnp.float32))
        both = [
            step(params, exact.stats, inputs, carry, going_on)
            for params, carry in zip((exact.params, stored), carries, strict=True)
        ]
        carries = [results[-1] for results in both]
        actions.append([np.asarray(results[0]) for results in both])
    one, other = np.moveaxis(np.array(actions), 1, 0)
    return ActionError(
        largest=float(np.abs(one - other).max()),
        rms=float(np.sqrt(np.mean((one - other) ** 2))),
        action_rms=float(np.sqrt(np.mean(one**2))),
    )


def _seen(rng: np.random.Generator, config: Config, obs: jax.Array) -> Observation:
    sees, camera, depth, stereo = config.observation, config.camera, None, None
    if sees.depth:
        metres = rng.uniform(camera.depth_min, camera.depth_max, (ENVS, camera.height, camera.width))
        depth = jnp.asarray(metres / DEPTH_UNIT, jnp.uint16)
    if sees.stereo:
        pixels = rng.integers(0, 256, (ENVS, 2, config.rgb.height, config.rgb.width, 3))
        stereo = jnp.asarray(pixels, jnp.uint8)
    return Observation(obs, jnp.zeros((ENVS, 0)), depth, stereo)
