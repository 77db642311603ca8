"""The hand lifts a box by friction alone: no weld, no magic, only contacts under the training settings."""

import contextlib

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from mjxdex import objects, scene
from mjxdex.config import Config
from mjxdex.physics import PhysicsState, Worlds, nominal
from mjxdex.robot.tables import KD, KP, LOWER, PALM, RESET_POS, UPPER

NUM_ENVS = 12
CONTROL_HZ = 60
BOX = "large_5_cuboid"
APPROACH, DESCEND, CLOSE, LIFT, HOLD = 72, 72, 60, 90, 90
"""Control steps of each phase."""


class Unreachable(Exception):
    """The arm cannot put the palm there."""


def palm_rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Palm facing down, turned about the vertical by yaw; the tilts are small. Degrees."""
    rot, quat = np.zeros(9), np.zeros(4)
    mujoco.mju_euler2Quat(quat, np.deg2rad([yaw, pitch, 180 + roll]), "zyx")
    mujoco.mju_quat2Mat(rot, quat)
    return rot.reshape(3, 3)


def inverse_kinematics(model, joints, pos, rot) -> np.ndarray:
    """Arm joints by damped least squares, starting from `joints`; the hand keeps its pose."""
    data, joints = mujoco.MjData(model), joints.copy()
    jac = np.zeros((6, model.nv))
    site = model.site(PALM).id
    for _ in range(300):
        data.qpos[:23] = joints
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        palm = data.site_xmat[site].reshape(3, 3)
        error = np.concatenate([pos - data.site_xpos[site], 0.5 * np.cross(palm.T, rot.T).sum(axis=0)])
        if np.abs(error).max() < 5e-4:
            return joints
        mujoco.mj_jacSite(model, data, jac[:3], jac[3:], site)
        arm = jac[:, :7]
        joints[:7] += arm.T @ np.linalg.solve(arm @ arm.T + 1e-3 * np.eye(6), error)
        joints[:7] = np.clip(joints[:7], LOWER[:7], UPPER[:7])
    raise Unreachable


def along(waypoints: np.ndarray, steps: int) -> np.ndarray:
    """Joint targets along waypoints [W, 23], starting and ending at rest."""
    t = np.arange(1, steps + 1) / steps
    t = t * t * (3 - 2 * t) * (len(waypoints) - 1)
    knots = np.arange(len(waypoints))
    return np.stack([np.interp(t, knots, column) for column in waypoints.T], axis=1)


def grasp_script(model, box_pos: np.ndarray, random: np.random.Generator, closes: bool) -> np.ndarray:
    """Joint targets [T, 23] of a random top grasp: from 14 cm above down to the box, close, lift to 0.75 m.

    Raises:
      Unreachable: for about every other one.
    """
    rot = palm_rotation(random.uniform(-170, -100), random.uniform(-10, 10), random.uniform(-10, 10))
    grasp = box_pos - rot @ random.uniform((0.05, -0.02, 0.08), (0.09, 0.03, 0.11))
    heights = [*np.linspace(0.14, 0, 8), *np.linspace(0, 0.75 - box_pos[2], 13)[1:]]
    path = [RESET_POS]
    for height in heights:
        path.append(inverse_kinematics(model, path[-1], grasp + np.array([0, 0, height]), rot))
    path = np.stack(path)
    fist = RESET_POS[7:].copy()
    fist[:12].reshape(3, 4)[:, 1:] = (1.1, 1.1, 0.75)
    fist[12:] = (1.4, 0.7, 0.65, 0.65)
    closed = path[8:].copy()
    if closes:
        closed[:, 7:] = fist
    parts = [
        along(path[:2], APPROACH),
        along(path[1:9], DESCEND),
        along(np.stack([path[8], closed[0]]), CLOSE),
    ]
    parts += [along(closed, LIFT), np.repeat(closed[-1:], HOLD, axis=0)]
    return np.concatenate(parts)


@pytest.mark.slow
def test_closed_hands_lift_a_box_and_open_hands_do_not():
    config, primitives = Config(), objects.load("primitives")
    model = scene.build(config, primitives)
    k = primitives.names.index(BOX)
    box_pos = np.array([-0.55, 0.1, scene.TABLE_TOP + primitives.geom["geom_size"][k, 0, 2]])
    random = np.random.default_rng(0)
    closes = np.arange(NUM_ENVS) % 4 != 3
    scripts = []
    while len(scripts) < NUM_ENVS:
        with contextlib.suppress(Unreachable):
            scripts.append(grasp_script(model, box_pos, random, closes[len(scripts)]))
    scripts = np.stack(scripts, axis=1)
    # The servos damp the velocity itself; fed forward, they damp its distance to the script's.
    velocity = np.gradient(scripts, 1 / CONTROL_HZ, axis=0) * (np.arange(23) < 7)
    ctrl = jnp.asarray(scripts + KD / KP * velocity, jnp.float32)

    step = jax.jit(Worlds(config, model, primitives, NUM_ENVS).step)
    start = np.concatenate([RESET_POS, box_pos, [1, 0, 0, 0]]).astype(np.float32)
    state = PhysicsState(jnp.tile(start, (NUM_ENVS, 1)), jnp.zeros((NUM_ENVS, 29)), jnp.zeros((NUM_ENVS, 29)))
    box = []
    for row in ctrl:
        state, reading = step(state, row, nominal(jnp.full(NUM_ENVS, k)), jnp.zeros((NUM_ENVS, 6)))
        assert not reading.contact_overflow.any() and not reading.constraint_overflow.any()
        box.append(np.asarray(state.qpos[:, 23:26]))
    held = np.stack(box)[-HOLD + 30 :]
    lifted = (held[..., 2] > 0.65).all(axis=0)
    assert lifted[closes].sum() >= 7 and not lifted[~closes].any(), lifted
    creep = held[0, lifted, 2] - held[-1, lifted, 2]
    assert np.median(creep) < 0.003
