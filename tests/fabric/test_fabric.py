"""The fabric against vectors of an independent double-precision implementation."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.fabric import FabricState, step
from mjxdex.fabric.fabric import acceleration, acceleration_limit
from mjxdex.robot import kinematics, tables
from mjxdex.robot.rotations import euler_zyx_to_matrix

TIMESTEP = 1 / 60
DOUBLE = jnp.ones(()).dtype == jnp.float64
PALM = np.array([-0.6868, 0.0320, 0.6685]), np.array([-2.3873, -0.0824, 3.1301])
PCA = np.array([1.5, 1.5, 0, 0.5, -0.25])
MOVING = 0.1 * np.cos(np.arange(23))

# Velocity, curvature factor, collision avoidance: scale of the limit, energization, trace of the metric,
# unlimited acceleration.
VECTORS = {
    "at rest": (
        0 * MOVING, 1.0, False, 0.550390, 0.0, 74.1787,
        [-3.396123, -13.626695, -3.396123, 10.802964, -0.828879, -0.762827, 1.564444,
         -3.477946, -11.293936, 14.911490, 21.354895, 0.218204, -0.731972, 16.189800, 17.169339,
         0.005966, 7.156483, 14.483562, 12.019294, -7.976520, -10.524548, 4.383449, 0.866814],
    ),
    "moving": (
        MOVING, 1.0, False, 0.528957, -0.029670, 175.1971,
        [-4.397247, -14.178848, -2.951284, 11.825199, -0.056799, -1.146183, 0.549432,
         -4.783488, -10.379187, 15.614783, 21.786991, -0.516756, -2.102458, 15.340338, 17.209931,
         1.515345, 8.160463, 14.577555, 11.444749, -9.777974, -11.078913, 5.157746, 1.855374],
    ),
    "moving, curvature twice": (
        MOVING, 2.0, False, 0.528654, -0.027158, 175.1971,
        [-4.393141, -14.186982, -2.947534, 11.822479, -0.057808, -1.152829, 0.547703,
         -4.783299, -10.379224, 15.614554, 21.786781, -0.516755, -2.102246, 15.340566, 17.209965,
         1.515155, 8.160222, 14.577486, 11.444915, -9.777726, -11.078810, 5.157608, 1.855122],
    ),
    "moving, avoiding collisions": (
        MOVING, 1.0, True, 0.631343, 0.515865, 703.8911,
        [2.287980, -11.879444, 3.656206, 0.965985, 5.386368, -3.133619, -2.848851,
         -4.480447, -7.903566, 17.623646, 23.205652, -2.675523, -5.137693, 13.979647, 16.927297,
         3.279854, 8.005176, 12.951734, 9.869658, -9.749066, -12.376213, 4.757754, 1.602922],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORS)
def test_acceleration_vectors(name):
    vel, curvature_factor, collision_avoidance, scale, energization, trace, expected = VECTORS[name]
    accelerate = jax.jit(acceleration, static_argnums=5, static_argnames="collision_avoidance")
    result = accelerate(
        tables.RESET_POS, vel, PALM, PCA, 10.0, curvature_factor, collision_avoidance=collision_avoidance
    )
    np.testing.assert_allclose(result.acc, expected, atol=1e-6 if DOUBLE else 1e-4)
    np.testing.assert_allclose(result.energization, energization, atol=1e-6 if DOUBLE else 2e-5)
    np.testing.assert_allclose(jnp.trace(result.metric), trace, atol=1e-4)
    limit = jnp.min(acceleration_limit(TIMESTEP) / jnp.abs(result.acc))
    np.testing.assert_allclose(limit, scale, atol=2e-6 if DOUBLE else 1e-5)


def test_rollout_of_thirty_steps():
    state = _rollout(_at_rest(), 30, collision_avoidance=False)
    pos = (-0.847780, -0.467367, 0.740762, 1.281221, -1.729434, 0.877397, 0.636477)
    vel = (0.148333, -0.567482, 0.118739, -0.435666, 0.000321, 0.240204, -0.218558)
    np.testing.assert_allclose(state.pos[:7], pos, atol=1e-6 if DOUBLE else 5e-6)
    np.testing.assert_allclose(state.vel[:7], vel, atol=1e-6 if DOUBLE else 2e-5)


def test_rollout_of_thirty_steps_avoiding_collisions():
    state = _rollout(_at_rest(), 30)
    pos = (-0.851666, -0.458737, 0.742064, 1.290342, -1.726506, 0.869814, 0.633362)
    np.testing.assert_allclose(state.pos[:7], pos, atol=1e-6 if DOUBLE else 1e-5)


@pytest.mark.skipif(DOUBLE, reason="this is the double-precision run")
def test_this_folder_in_double_precision():
    """In a process of its own, since JAX does not switch precision cleanly within one."""
    checks = "vectors or thirty or palm_leaf or differentiated or smallest or numpy"
    command = [sys.executable, "-m", "pytest", "-q", str(Path(__file__).parent), "-k", checks]
    done = subprocess.run(command, env=os.environ | {"JAX_ENABLE_X64": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_palm_and_hand_reach_their_targets_within_a_second():
    state = _rollout(_at_rest(), 60)
    palm_pos, palm_rot = kinematics.palm_pose(state.pos)
    assert np.linalg.norm(palm_pos - PALM[0]) < 1e-4
    np.testing.assert_allclose(palm_rot, euler_zyx_to_matrix(jnp.asarray(PALM[1])), atol=2e-3)
    assert np.linalg.norm(state.vel) < 0.05


def test_position_uses_the_velocity_before_the_step():
    before = _at_rest()._replace(vel=jnp.asarray(MOVING))
    after = _advance(before, collision_avoidance=False)
    ratio = after.acc[:4] / np.array(VECTORS["moving"][-1][:4])
    np.testing.assert_allclose(ratio, 0.528957, atol=1e-5)
    np.testing.assert_allclose(after.vel, before.vel + TIMESTEP * after.acc, atol=1e-6)
    expected = before.pos + TIMESTEP * before.vel + 0.5 * TIMESTEP**2 * after.acc
    np.testing.assert_allclose(after.pos, expected, atol=1e-6)


def test_limit_follows_from_acceleration_and_jerk():
    np.testing.assert_allclose(acceleration_limit(TIMESTEP), [7.5, 7.5, 10, 10, 10, 20, 20] + [18.75] * 16)


def test_wide_batches_are_computed_like_narrow_ones():
    # XLA's CPU backend (jaxlib 0.10.2) got envs from the 712th on wrong in an earlier form of the leaves.
    rng = np.random.default_rng(0)
    pos = (tables.RESET_POS + 0.2 * rng.normal(size=(4096, 23))).astype(np.float32)
    vel = (0.3 * rng.normal(size=(4096, 23))).astype(np.float32)

    @jax.jit
    @jax.vmap
    def accelerate(pos, vel):
        return acceleration(pos, vel, PALM, PCA, 10.0, 1.0).acc

    wide = accelerate(pos, vel)
    for start in (0, 704, 2048, 4064):
        rows = slice(start, start + 32)
        np.testing.assert_allclose(wide[rows], accelerate(pos[rows], vel[rows]), rtol=5e-5, atol=2e-4)


def _at_rest() -> FabricState:
    pos = jnp.asarray(tables.RESET_POS)
    return FabricState(pos, 0 * pos, 0 * pos)


@partial(jax.jit, static_argnames="collision_avoidance")
def _advance(state: FabricState, collision_avoidance: bool = True) -> FabricState:
    return step(
        state,
        PALM,
        PCA,
        10.0,
        timestep=TIMESTEP,
        curvature_factor=1.0,
        collision_avoidance=collision_avoidance,
    )


def _rollout(state: FabricState, steps: int, collision_avoidance: bool = True) -> FabricState:
    for _ in range(steps):
        state = _advance(state, collision_avoidance)
    return state
