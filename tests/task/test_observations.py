"""The observation groups of the published task, by size and content."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from mjxdex import config_files, objects, scene
from mjxdex.config import AdrConfig, Config
from mjxdex.fabric import FabricState
from mjxdex.robot import kinematics
from mjxdex.robot.tables import HAND_POINTS
from mjxdex.task import observations
from mjxdex.task.reset import fresh
from mjxdex.task.state import EnvState, view

N = 3
NUM_OBJECTS = 5


def size(terms, num_objects: int) -> int:
    return sum(count for _, count in observations.layout(terms, num_objects))


def test_groups_have_their_published_sizes():
    state = config_files.load("state")
    num_objects = len(objects.load(state.env.objects))
    assert num_objects == 140
    assert size(Config().observation.policy, num_objects) == 159
    assert size(state.observation.policy, num_objects) == 167 + num_objects
    assert size(Config().observation.critic, num_objects) == 214 + num_objects


def test_the_students_offsets():
    """Source: robot_and_fabric.md, 6.3."""
    layout = observations.layout(Config().observation.policy, NUM_OBJECTS)
    starts = np.cumsum([0, *(count for _, count in layout)])
    assert starts.tolist() == [0, 23, 46, 61, 76, 79, 90, 113, 136, 159]


@pytest.fixture(scope="module")
def state() -> EnvState:
    state = fresh(
        AdrConfig(), NUM_OBJECTS, jnp.arange(N), jnp.zeros(N, jnp.int32), jax.random.key(0), jnp.int32(50)
    )
    ones = jnp.ones((N, 23))
    return state._replace(
        fabric=FabricState(ones, 2 * ones, 3 * ones), force=jnp.arange(N * 15.0).reshape(N, 5, 3)
    )


def group(state, *terms, **kwargs):
    return np.asarray(
        observations.group(terms, state, view(state.physics), Config().env, NUM_OBJECTS, **kwargs)
    )


def test_velocities_are_scaled_and_those_of_hand_points_twice(state):
    for term, power in (("joint_vel", 1), ("fabric_vel", 1), ("fabric_acc", 1), ("hand_point_vel", 2)):
        np.testing.assert_allclose(
            group(state, term, velocity_factor=0.5), 0.5**power * group(state, term), rtol=1e-6
        )
    for term in ("joint_pos", "hand_points", "fabric_pos", "object_vel"):
        np.testing.assert_array_equal(group(state, term, velocity_factor=0.0), group(state, term))


def test_forces_are_the_palms_and_the_fingertips(state):
    assert HAND_POINTS[0] == "palm_link"
    np.testing.assert_array_equal(group(state, "hand_force")[1], [15, 16, 17])
    np.testing.assert_array_equal(group(state, "fingertip_forces")[1], np.arange(18, 30))


def test_env_i_is_told_that_it_holds_object_i(state):
    np.testing.assert_array_equal(group(state, "object_onehot"), np.eye(NUM_OBJECTS)[:N])


def test_twists_are_those_of_mujoco():
    model = scene.build(Config(), objects.load("primitives"), object_id=0)
    data = mujoco.MjData(model)
    rng = np.random.default_rng(0)
    q, qd = rng.uniform(-0.5, 0.5, 23), rng.normal(size=23)
    data.qpos[:23], data.qvel[:23] = q, qd
    mujoco.mj_forward(model, data)
    points, twists = kinematics.hand_twists(jnp.float32(q), jnp.float32(qd))
    for i, point in enumerate(HAND_POINTS):
        velocity = np.zeros(6)  # angular, then linear
        mujoco.mj_objectVelocity(
            model, data, mujoco.mjtObj.mjOBJ_SITE, model.site(point).id, velocity, flg_local=0
        )
        np.testing.assert_allclose(points[i], data.site_xpos[model.site(point).id], atol=1e-5)
        np.testing.assert_allclose(twists[i], [*velocity[3:], *velocity[:3]], atol=2e-5)
