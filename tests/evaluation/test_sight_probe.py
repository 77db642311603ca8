"""A policy that looks, one that does not, and what cannot be probed."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import Config, ObservationConfig, UserError
from mjxdex.evaluation import sight_probe
from mjxdex.evaluation.sight_probe import Mistaken, Sight
from mjxdex.types import Observation


class Looker:
    """Remembers the sum of what it saw; acts on that and on where it is."""

    def __init__(self, weight: float):
        self.weight = weight

    def initial_carry(self, batch):
        return jnp.zeros(batch)

    def policy_step(self, params, stats, obs, carry, reset):
        carry = carry + obs.depth.mean(axis=(1, 2))
        return (obs.policy[:, 0] + self.weight * carry)[:, None], carry


def played(weight: float) -> np.ndarray:
    mistaken = Mistaken(Looker(weight))  # pyright: ignore[reportArgumentType]
    carry = mistaken.initial_carry(2)
    depth = jnp.stack([jnp.full((3, 4), 1.0), jnp.full((3, 4), 3.0)])
    obs = Observation(jnp.array([[10.0], [20.0]]), jnp.zeros((2, 1)), depth)
    for _ in range(2):
        action, carry = jax.jit(mistaken.policy_step)(None, None, obs, carry, jnp.zeros(2, bool))
    jax.effects_barrier()
    np.testing.assert_allclose(action, mistaken.notes[-1][0])
    return np.stack(mistaken.notes)[..., 0]


def test_another_envs_images_are_remembered_by_a_memory_of_their_own():
    np.testing.assert_allclose(played(1.0), [[[11, 23], [13, 21]], [[12, 26], [16, 22]]])
    np.testing.assert_allclose(played(0.0), 2 * [2 * [[10, 20]]])


def test_share_of_a_blind_policy_is_zero():
    assert Sight(np.array([0.3, 0.4]), np.zeros(2)).share == 0
    assert Sight(np.array([0.3, 0.4]), np.array([0.4, 0.3])).share == pytest.approx(1)


def test_policies_without_a_camera_are_refused():
    policy = SimpleNamespace()
    with pytest.raises(UserError, match="has no camera"):
        sight_probe.probe(policy, Config(observation=ObservationConfig(depth=False)), jax.devices()[0])  # pyright: ignore[reportArgumentType]
