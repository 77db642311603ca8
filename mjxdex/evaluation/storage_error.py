"""How far a stored policy acts from the exact one."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex.learning.state import Params
from mjxdex.runtime.trained import TrainedPolicy, make_learner
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

    The inputs are normally distributed observations with the policy's own mean and variance, and depth of
    random pixels over the camera's range.
    """
    config = exact.config
    network = dataclasses.replace(config.network, compute_dtype="float32")
    learner = make_learner(dataclasses.replace(config, network=network))
    step = jax.jit(learner.policy_step)
    rng, stats = np.random.default_rng(0), jax.device_get(exact.stats)
    carries = [learner.networks.initial_carries(ENVS)[0]] * 2
    going_on, actions = jnp.zeros(ENVS, bool), []
    for _ in range(STEPS):
        obs = stats.mean + np.sqrt(stats.var) * rng.normal(size=(ENVS, *stats.mean.shape))
        depth = None
        if learner.depth_shape is not None:
            metres = rng.uniform(
                config.camera.depth_min, config.camera.depth_max, (ENVS, *learner.depth_shape)
            )
            depth = jnp.asarray(metres / DEPTH_UNIT, jnp.uint16)
        inputs = Observation(jnp.asarray(obs, jnp.float32), jnp.zeros((ENVS, 0)), depth)
        both = [
            step(params, exact.stats, inputs, carry, going_on)
            for params, carry in zip((exact.params, stored), carries, strict=True)
        ]
        carries = [carry for _, carry in both]
        actions.append([np.asarray(action) for action, _ in both])
    one, other = np.moveaxis(np.array(actions), 1, 0)
    return ActionError(
        largest=float(np.abs(one - other).max()),
        rms=float(np.sqrt(np.mean((one - other) ** 2))),
        action_rms=float(np.sqrt(np.mean(one**2))),
    )
