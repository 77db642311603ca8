import math

import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import AdrConfig, Config
from mjxdex.robot.tables import CURLED_HAND
from mjxdex.task.reward import reward_terms
from mjxdex.task.state import View


def view(object_pos, hand_points, hand=CURLED_HAND):
    zeros = jnp.zeros((1, 6))
    return View(
        joint_pos=jnp.concatenate([jnp.zeros((1, 7)), jnp.asarray(hand, jnp.float32)[None]], axis=1),
        joint_vel=jnp.zeros((1, 23)),
        hand_points=jnp.asarray(hand_points, jnp.float32)[None],
        hand_twist=jnp.zeros((1, 5, 6)),
        object_pos=jnp.asarray(object_pos, jnp.float32)[None],
        object_quat=jnp.array([[1.0, 0, 0, 0]]),
        object_vel=zeros,
    )


def terms(state, level=0, grip=None, config=None):
    forces = None if grip is None else jnp.array([grip])
    found = reward_terms(state, forces, config or Config(), jnp.int32(level))
    return {name: float(value[0]) for name, value in found.items()}


def test_object_at_the_goal_in_the_hand_earns_the_most():
    goal = np.array([-0.5, 0.0, 0.75])
    assert terms(view(goal, np.tile(goal, (5, 1)))) == pytest.approx(
        {"hand_to_object": 1.0, "object_to_goal": 5.0, "finger_curl": 0.0, "lift": 5.0}
    )


def test_hand_computed_values_at_both_ends_of_the_adr():
    position = np.array([-0.5, 0.1, 0.25])
    points = np.tile(position, (5, 1))
    points[3] += [0.0, 0.0, 0.2]  # the farthest of the five counts
    points[1] += [0.1, 0.0, 0.0]
    hand = np.array(CURLED_HAND)
    hand[4] += 2.0
    distance = math.hypot(0.1, 0.5)
    assert terms(view(position, points, hand)) == pytest.approx(
        {
            "hand_to_object": math.exp(-2.0),
            "object_to_goal": 5 * math.exp(-15 * distance),
            "finger_curl": -0.04,
            "lift": 5 * math.exp(-8.5 * 0.5),
        },
        rel=1e-5,
    )
    full = terms(view(position, points, hand), level=50)
    assert full["object_to_goal"] == pytest.approx(5 * math.exp(-20 * distance), rel=1e-5)
    assert full["lift"] == 0.0


@pytest.mark.parametrize(
    ("index", "middle", "thumb", "level", "earned"),
    [
        ([9, 0, 0], [0, 0, 0], [-4, 0, 0], -10, 0.5),
        ([1, 0, 5], [0, 0, 9], [-1, 0, 0], -10, 0.25),  # half of 2 N, across the object
        ([0, 1, 0], [4, 0, 0], [-0.25, 0, 0], -5, 0.125),  # the finger that is most against the thumb
        ([0, 0, -9], [0, 0, -9], [0, 0, -9], -10, 0.0),  # all press it down
        ([9, 0, 0], [9, 0, 0], [0, 0, 0], -10, 0.0),
        ([9, 0, 0], [9, 0, 0], [-9, 0, 0], 0, 0.0),
        ([9, 0, 0], [9, 0, 0], [-9, 0, 0], 50, 0.0),
    ],
)
def test_a_grip_is_the_thumb_against_a_finger(index, middle, thumb, level, earned):
    """Earned below level 0."""
    state = view(np.zeros(3), np.zeros((5, 3)))
    config = Config(adr=AdrConfig(grip_weight=(0.5, 0)))
    forces = np.array([index, middle, [0, 0, 0], thumb], np.float32)
    assert terms(state, level, forces, config)["grip"] == pytest.approx(earned, abs=1e-5)
