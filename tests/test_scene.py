import mujoco
import numpy as np
import pytest

from mjxdex import objects, scene
from mjxdex.config import CameraConfig, Config
from mjxdex.robot.tables import JOINT_NAMES, RESET_POS


@pytest.fixture(scope="module")
def model():
    return scene.build(Config(), objects.load("primitives"))


def test_layout_of_qpos_and_servos(model):
    assert (model.nq, model.nv, model.nu) == (30, 29, 23)
    for i, name in enumerate(JOINT_NAMES):
        assert model.joint(name).qposadr[0] == i
        assert model.actuator(name).trnid[0] == model.joint(name).id
        assert model.actuator(name).id == i
    assert model.joint(scene.OBJECT).qposadr[0] == 23


def test_solver_settings_come_from_the_config(model):
    assert model.opt.integrator == mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    assert model.opt.cone == mujoco.mjtCone.mjCONE_ELLIPTIC
    assert model.opt.timestep == pytest.approx(1 / 120)
    assert (model.opt.iterations, model.opt.ls_iterations, model.opt.impratio) == (10, 20, 10)


def test_table_has_the_published_size_and_place(model):
    table = model.geom("table")
    np.testing.assert_allclose(table.pos - table.size, [-0.935, -0.492, 0.22])
    np.testing.assert_allclose(table.pos + table.size, [-0.21, 0.668, 0.25])


def test_depth_camera_is_mounted_in_portrait(model):
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    right, up, back = data.camera(scene.DEPTH_CAMERA).xmat.reshape(3, 3).T
    np.testing.assert_allclose(right, [0.0741668, -0.1274026, -0.9890742], atol=1e-6)
    np.testing.assert_allclose(-up, [-0.9902697, 0.1076995, -0.0881292], atol=1e-6)
    np.testing.assert_allclose(-back, [0.1177507, 0.9859865, -0.1181752], atol=1e-6)


@pytest.mark.parametrize(("width", "height"), [(320, 240), (160, 120), (80, 60), (160, 160)])
def test_focal_length_follows_the_published_intrinsics(width, height):
    focal = height / 2 / np.tan(np.deg2rad(scene.fovy(CameraConfig(width=width, height=height))) / 2)
    assert focal == pytest.approx(359.125 * width / 320)


def test_every_object_keeps_room_for_a_tilted_inertia(model):
    dof = model.body(scene.OBJECT).dofadr[0]
    assert list(model.M_rownnz[dof : dof + 6]) == [1, 2, 3, 4, 5, 6]


def test_one_object_alone_is_compiled_as_itself():
    loaded = objects.load("primitives")
    alone = scene.build(Config(), loaded, object_id=3)
    assert alone.geom("object_0").type[0] == mujoco.mjtGeom.mjGEOM_CYLINDER
    np.testing.assert_allclose(alone.body(scene.OBJECT).mass, loaded.mass[3])
    with pytest.raises(IndexError, match="0 to 11"):
        scene.build(Config(), loaded, object_id=12)


def test_robot_at_its_reset_pose_touches_nothing(model):
    data = mujoco.MjData(model)
    data.qpos[:23] = RESET_POS
    data.qpos[23:26] = (-0.55, 0.1, 0.5)
    mujoco.mj_forward(model, data)
    assert data.ncon == 0
