"""The compiled robot: order, limits, servos, masses, and which geoms may touch."""

import copy

import mujoco
import numpy as np
import pytest

from mjxdex.robot import tables
from mjxdex.robot.mjcf import OBJECT_BIT, TABLE_BIT, add_robot


@pytest.fixture(scope="module", params=[True, False], ids=["degree", "radian"])
def model(request) -> mujoco.MjModel:
    spec = mujoco.MjSpec()
    spec.compiler.degree = request.param
    add_robot(spec)
    return spec.compile()


def _touching(model: mujoco.MjModel) -> set[frozenset[str]]:
    """Names of the geoms of all pairs that the collision bits let through."""
    names = [model.geom(i).name for i in range(model.ngeom)]
    contype, conaffinity = model.geom_contype, model.geom_conaffinity
    may = (contype[:, None] & conaffinity) | (contype & conaffinity[:, None])
    return {frozenset((names[i], names[j])) for i, j in np.argwhere(may)}


def test_joints_come_in_order_with_their_limits(model):
    assert [model.joint(i).name for i in range(model.njnt)] == list(tables.JOINT_NAMES)
    np.testing.assert_allclose(model.jnt_range, np.stack((tables.LOWER, tables.UPPER), axis=1))
    assert model.nq == model.nv == 23


def test_servos_are_position_servos_with_effort_limits_and_free_targets(model):
    assert [model.actuator(i).name for i in range(model.nu)] == list(tables.JOINT_NAMES)
    np.testing.assert_allclose(model.actuator_gainprm[:, 0], tables.KP)
    np.testing.assert_allclose(model.actuator_biasprm[:, :3].T, (0 * tables.KP, -tables.KP, -tables.KD))
    np.testing.assert_allclose(model.actuator_forcerange[:, 1], tables.EFFORT)
    assert not model.actuator_ctrllimited.any()


def test_inertia_of_bolted_links_is_kept(model):
    np.testing.assert_allclose(model.body_mass.sum(), 24.8513301)
    wrist = model.body("iiwa7_link_7")
    masses = [
        tables.INERTIALS[n].mass for n in ("iiwa7_link_7", "iiwa7_link_ee", "allegro_mount", "palm_link")
    ]
    np.testing.assert_allclose(wrist.mass, sum(masses))
    com = (3.129 * np.array((0, 0, 0.02)) + 0.05 * np.array((0, 0, 0.071))) / sum(masses)
    com += 0.4154 * np.array((-0.008219, -0.02063, 0.15186)) / sum(masses)
    np.testing.assert_allclose(wrist.ipos, com, atol=1e-7)
    np.testing.assert_allclose(model.body("index_link_3").mass, 0.15)


def test_robot_hangs_still_without_gravity(model):
    model = copy.copy(model)
    model.opt.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    data = mujoco.MjData(model)
    data.qpos[:], data.ctrl[:] = tables.RESET_POS, tables.RESET_POS
    mujoco.mj_step(model, data, 50)
    np.testing.assert_allclose(data.qpos, tables.RESET_POS, atol=1e-4)
    assert data.ncon == 0


@pytest.mark.parametrize("bit", [TABLE_BIT, OBJECT_BIT])
def test_hand_and_forearm_meet_table_and_object(model, bit):
    meets = {model.geom(i).name.rsplit("_", 1)[0] for i in np.flatnonzero(model.geom_conaffinity & bit)}
    fingers = {f"{finger}_link_{i}" for finger in tables.FINGERS for i in range(4)}
    assert meets == fingers | {"palm_link", "iiwa7_link_5", "iiwa7_link_6", "iiwa7_link_7"}


def test_hand_meets_itself_except_beside_the_knuckles(model):
    pairs = _touching(model)
    assert len(pairs) == 381
    for near, far, expected in [
        ("index_link_3", "thumb_link_3", True),
        ("index_link_1", "middle_link_1", True),
        ("index_link_0", "middle_link_3", True),
        ("ring_link_2", "palm_link", True),
        ("thumb_link_3", "palm_link", True),
        ("index_link_0", "middle_link_0", False),
        ("thumb_link_0", "index_link_1", False),
        ("thumb_link_0", "index_link_2", False),
        ("thumb_link_1", "palm_link", False),
        ("index_link_0", "palm_link", False),
        ("index_link_1", "index_link_3", False),
        ("index_link_3", "iiwa7_link_7", False),
        ("iiwa7_link_6", "iiwa7_link_7", False),
    ]:
        assert (frozenset((f"{near}_0", f"{far}_0")) in pairs) is expected, (near, far)
