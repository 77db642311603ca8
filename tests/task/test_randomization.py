"""Every randomized quantity opens with the ADR level as its range says, and closes again."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import AdrConfig
from mjxdex.config_adr import places_only
from mjxdex.render import cameras
from mjxdex.robot.kinematics import hand_points
from mjxdex.robot.tables import RESET_POS
from mjxdex.task import adr, disturbance, reset, sensing
from mjxdex.task.state import EnvState

COUNT = 2000
KEY = jax.random.key(3)
NOMINAL = cameras.nominal(1)


ALL = jnp.arange(COUNT)
NO_EPISODE = jnp.zeros(COUNT, jnp.int32)
misread = jax.jit(sensing.misread)
wrench = jax.jit(disturbance.wrench)


@jax.jit
def start(level, env_id=ALL, episode=NO_EPISODE) -> EnvState:
    return reset.fresh(AdrConfig(), 12, env_id, episode, KEY, level)


@pytest.fixture(scope="module")
def states() -> dict[int, EnvState]:
    return {level: start(jnp.int32(level)) for level in (0, 25, 50)}


ARM, HAND = slice(0, 7), slice(7, 23)
TWO_SIDED = {
    "object_mass": (lambda s: s.random.params.object_mass, (1, 1), (0.5, 3)),
    "object_friction": (lambda s: s.random.params.object_friction, (1, 1), (0.4, 1.1)),
    "robot_friction": (lambda s: s.random.params.robot_friction, (1, 1), (0.4, 1.1)),
    "object_damping": (lambda s: s.random.params.object_damping, (1, 1), (0.3, 1)),
    "robot_damping": (lambda s: s.random.params.robot_damping, (1, 1), (0.3, 1)),
    "stiffness": (lambda s: s.random.params.stiffness, (1, 1), (0.5, 2)),
    "damping": (lambda s: s.random.params.damping, (1, 1), (0.5, 2)),
    "arm_friction": (lambda s: s.random.params.joint_friction[:, ARM], (0, 0), (0, 5)),
    "hand_friction": (lambda s: s.random.params.joint_friction[:, HAND], (0, 0), (0, 0.05)),
    "object_x": (lambda s: s.physics.qpos[:, 23], (-0.55, -0.55), (-0.8, -0.3)),
    "object_y": (lambda s: s.physics.qpos[:, 24], (0.1, 0.1), (-0.3, 0.5)),
    "object_height": (lambda s: s.physics.qpos[:, 25], (0.5, 0.5), (0.5, 0.5)),
    "object_about_x": (lambda s: angle(s, 4), (0, 0), (-np.pi, np.pi)),
    "object_about_y": (lambda s: angle(s, 5), (0, 0), (-np.pi, np.pi)),
    "arm_joint": (lambda s: s.physics.qpos[:, ARM] - RESET_POS[ARM], (0, 0), (-0.35, 0.35)),
    "arm_velocity": (lambda s: s.physics.qvel[:, ARM], (0, 0), (-1, 1)),
    "joint_pos_width": (lambda s: s.random.joint_pos.width, (0, 0), (0, 0.08)),
    "joint_pos_bias": (lambda s: s.random.joint_pos.bias, (0, 0), (-0.04, 0.04)),
    "joint_vel_width": (lambda s: s.random.joint_vel.width, (0, 0), (0, 0.18)),
    "joint_vel_bias": (lambda s: s.random.joint_vel.bias, (0, 0), (-0.04, 0.04)),
    "object_pos_width": (lambda s: s.random.object_pos.width, (0, 0), (0, 0.03)),
    "object_pos_bias": (lambda s: s.random.object_pos.bias, (0, 0), (-0.01, 0.01)),
    "object_rot_width": (lambda s: s.random.object_rot.width, (0, 0), (0, 0.1)),
    "object_rot_bias": (lambda s: s.random.object_rot.bias, (0, 0), (-0.04, 0.04)),
    "camera_pos": (lambda s: s.random.cameras.pos - NOMINAL.pos, (0, 0), (-0.03, 0.03)),
    "camera_focal": (lambda s: s.random.cameras.focal / NOMINAL.focal, (1, 1), (0.98, 1.02)),
    "depth_noise": (lambda s: s.random.depth_noise, (0, 0), (1, 1)),
    "velocity_observation": (lambda s: s.random.velocity_observation, (0, 0), (0, 0)),
}  # fmt: skip
"""How to read a quantity off a state, and its lowest and highest value at levels 0 and 50. Biases are half as
wide as `adr` says, on either side of 0. Source: robot_and_fabric.md, 6.5 to 6.8."""


def angle(state: EnvState, i: int) -> np.ndarray:
    """Angle of the turn about x (i = 4) or y (i = 5) of the object's start; the quaternion is q_x q_y."""
    w, x, y, z = np.asarray(state.physics.qpos[:, 26:30], float).T
    return 2 * np.arctan2(x, w) if i == 4 else 2 * np.arctan2(y, w) * np.ones_like(z)


@pytest.mark.parametrize("name", TWO_SIDED)
def test_a_range_at_levels_0_25_50_and_0_again(name, states):
    read, at_zero, at_full = TWO_SIDED[name]
    for level in (0, 25, 50):
        low, high = (a + (b - a) * level / 50 for a, b in zip(at_zero, at_full, strict=True))
        found = np.asarray(read(states[level]), float)
        slack = 1e-5 + 0.06 * (high - low)
        if name.startswith("object_about"):
            low, high = -np.pi * level / 50, np.pi * level / 50
            slack = 1e-5 + 0.1 * (high - low)
        assert found.min() >= low - 1e-5 and found.max() <= high + 1e-5, level
        assert found.min() <= low + slack and found.max() >= high - slack, level
    again = start(jnp.int32(0))
    np.testing.assert_array_equal(read(again), read(states[0]))


def test_the_camera_turns_by_up_to_three_degrees_about_each_axis(states):
    for level, largest in ((0, 0.0), (25, 1.5), (50, 3.0)):
        rot = np.asarray(states[level].random.cameras.rot, float)
        cosine = (np.einsum("nij,ij->n", rot, np.asarray(NOMINAL.rot[0], float)) - 1) / 2
        turned = np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))
        # Up to twice the angle about the vertical: see cameras.randomized.
        assert turned.max() <= np.sqrt(5) * largest + 0.1 and turned.max() >= 1.5 * largest


@pytest.mark.parametrize("level", [0, 50])
def test_readings_scatter_by_their_width_about_their_bias(level, states):
    state = states[level]
    truth, random = state.physics, state.random
    seen = [misread(state._replace(age=jnp.full(COUNT, t)), KEY) for t in range(40)]
    qpos = np.stack([np.asarray(s.qpos - truth.qpos) for s in seen])
    qvel = np.stack([np.asarray(s.qvel - truth.qvel) for s in seen])
    pairs = (
        (qpos[..., :23], random.joint_pos),
        (qvel[..., :23], random.joint_vel),
        (qpos[..., 23:26], random.object_pos),
        (qpos[..., 26:], random.object_rot),
    )
    assert not qvel[..., 23:].any()
    for error, noise in pairs:
        width, bias = np.asarray(noise.width)[:, None], np.asarray(noise.bias)[:, None]
        assert (np.abs(error - bias) <= width + 1e-5).all()
        if level == 0:
            np.testing.assert_allclose(error, 0, atol=1e-6)
        else:
            np.testing.assert_allclose(error.std(axis=0).mean(), width.mean() / np.sqrt(3), rtol=0.05)
            np.testing.assert_allclose(error.mean(axis=0).mean(axis=1), bias[:, 0], atol=0.05)


@pytest.mark.parametrize("level", [0, 25, 50])
def test_the_object_is_pushed_only_near_the_hand(level, states):
    largest = adr.value(AdrConfig().object_acceleration, jnp.int32(level))
    state, mass = states[0], jnp.full(COUNT, 0.2)
    hand = hand_points(state.physics.qpos[0, :23]).mean(axis=0)

    def force(age: int, distance: float = 0.0) -> np.ndarray:
        qpos = state.physics.qpos.at[:, 23:26].set(hand - jnp.array([0, 0, distance]))
        moved = state._replace(age=jnp.full(COUNT, age), physics=state.physics._replace(qpos=qpos))
        return np.asarray(wrench(moved, mass, largest, KEY))

    size = np.linalg.norm(force(0)[:, :3], axis=1) / 0.2
    assert size.max() <= 10 * level / 50 + 1e-5 and size.max() >= 9.8 * level / 50
    torque = np.linalg.norm(force(0)[:, 3:], axis=1)
    np.testing.assert_allclose(torque, 0.01 * 0.2 * size, atol=1e-6)
    np.testing.assert_array_equal(force(0), force(59))
    assert level == 0 or not np.allclose(force(59), force(60))
    assert not force(0, distance=0.4).any()


def test_resets_do_not_repeat_themselves(states):
    """Starts of 2000 envs, and of one env over its episodes, fill their ranges evenly: the entropy of their
    histogram comes close to the uniform one's."""
    one_env = start(jnp.int32(50), NO_EPISODE, ALL)
    for state in (states[50], one_env):
        xy = np.asarray(state.physics.qpos[:, 23:25])
        counts, *_ = np.histogram2d(*xy.T, bins=6, range=[(-0.8, -0.3), (-0.3, 0.5)])
        share = counts.ravel() / COUNT
        entropy = -(share[share > 0] * np.log(share[share > 0])).sum()
        assert entropy > 0.99 * np.log(36)
        assert len(np.unique(np.asarray(state.random.params.object_mass))) > 0.99 * COUNT
    assert not np.allclose(np.asarray(one_env.physics.qpos)[:50], np.asarray(states[50].physics.qpos)[:50])


def test_envs_with_one_object_do_not_share_their_numbers(states):
    """Streams are apart: what is drawn for the start says nothing about the physics."""
    x = np.asarray(states[50].physics.qpos[:, 23])
    for leaf in (states[50].random.params.object_mass, states[50].random.joint_pos.width):
        assert abs(np.corrcoef(x, np.asarray(leaf))[0, 1]) < 0.08


def test_places_only_draws_nothing_else(states):
    config = places_only(AdrConfig())
    state = jax.jit(reset.fresh, static_argnums=(0, 1))(config, 12, ALL, NO_EPISODE, KEY, jnp.int32(50))
    np.testing.assert_array_equal(state.physics.qpos[:, 23:], states[50].physics.qpos[:, 23:])
    np.testing.assert_array_equal(state.physics.qpos[:, :23], states[0].physics.qpos[:, :23])
    np.testing.assert_array_equal(state.physics.qvel, states[0].physics.qvel)
    jax.tree.map(np.testing.assert_array_equal, state.random, states[0].random)
    assert (config.object_acceleration, config.weight) == ((0, 0), AdrConfig().weight)
    assert (config.fabric_damping, config.velocity_target) == ((10, 20), (1, 0))
