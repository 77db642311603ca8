"""The simulated robot and camera: another engine and renderer, the same robot and the same pictures."""

import dataclasses

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from mjxdex import objects, scene
from mjxdex.config import CameraConfig, Config, ObservationConfig
from mjxdex.config_rgb import RgbConfig
from mjxdex.deploy import cell
from mjxdex.deploy.camera_model import depth_camera, stereo_pair
from mjxdex.deploy.interfaces import DepthImage, StereoImage
from mjxdex.deploy.object_estimate import ObjectEstimate
from mjxdex.deploy.ray_caster import RayCaster
from mjxdex.deploy.simulated import Faults, SimulatedCamera, SimulatedRobot
from mjxdex.evaluation import playback, scripted
from mjxdex.render import TiledDepthRenderer, cameras, stereo
from mjxdex.robot.tables import RESET_POS
from mjxdex.scene import TABLE_TOP

CONFIG = Config(camera=CameraConfig(width=80, height=60))
STEREO = dataclasses.replace(
    CONFIG, observation=ObservationConfig(depth=False, stereo=True), rgb=RgbConfig(width=80, height=60)
)
HELDOUT = objects.load("heldout")
PRIMITIVES = objects.load("primitives")


@pytest.fixture
def robot() -> SimulatedRobot:
    return SimulatedRobot(CONFIG, PRIMITIVES)


def test_moves_like_the_same_robot_played_by_mujocos_rollouts(robot):
    name = "large_8_cyl"
    k = PRIMITIVES.names.index(name)
    inputs = playback.servo_inputs(CONFIG, scripted.actions(name)[None])[:, :60]
    expected = playback.play_mujoco(CONFIG, scene.build(CONFIG, PRIMITIVES, k), inputs)[0]
    robot.place(k, playback.START[:3])
    for i, target in enumerate(inputs[0]):
        robot.command(target.astype(np.float64), np.zeros(23))
        robot.advance((i + 1) / 60)
    np.testing.assert_allclose(robot.moments[-1].qpos, expected[-1], atol=1e-6)


def test_velocity_targets_reach_the_servos(robot):
    moved = []
    for velocity in (0.0, 1.0):
        robot.reset()
        robot.command(RESET_POS, np.full(23, velocity))
        robot.advance(robot.now + 0.1)
        moved.append(robot.read().vel[:7])
    assert (moved[1] > moved[0] + 0.2).all()


def test_pictures_are_those_of_the_training_renderer(robot):
    """Held-out objects of many parts, with the robot in view: every pixel, but for grazed edges."""
    robot = SimulatedRobot(CONFIG, HELDOUT)
    renderer = TiledDepthRenderer(scene.build(CONFIG, HELDOUT), HELDOUT, CONFIG.camera, 1)
    render = jax.jit(renderer.render)
    camera = SimulatedCamera(robot, CONFIG)
    target = RESET_POS.copy()
    target[[1, 3]] += (-0.5, 0.4)
    for k in (3, 17):
        robot.place(k, (-0.55, 0.1, 0.35))
        robot.command(target, np.zeros(23))
        robot.advance(robot.now + 0.7)
        image = camera.read()
        assert image is not None
        qpos = jnp.asarray(robot.moments[-1].qpos, jnp.float32)[None]
        expected = np.asarray(render(qpos, jnp.array([k], jnp.int32), cameras.nominal(1)))[0]
        expected = np.where((expected >= 0.5) & (expected <= 1.3), expected, 0)
        assert (image.depth > 0).mean() > 0.3
        assert (np.abs(image.depth - expected) < 2e-4).mean() > 0.998


def test_both_eyes_look_where_those_of_training_do(robot):
    """Depth through each pinhole, against the renderer of training at that camera's pose."""
    renderer = TiledDepthRenderer(scene.build(CONFIG, PRIMITIVES), PRIMITIVES, CONFIG.camera, 1)
    render, pair = jax.jit(renderer.render), stereo.nominal(1)
    robot.place(0, (-0.55, 0.1, 0.35))
    qpos = robot.moments[-1].qpos
    for eye, pinhole in enumerate(stereo_pair(RgbConfig(width=80, height=60))):
        caster = RayCaster(robot.model, pinhole)
        data = mujoco.MjData(caster.model)
        data.qpos[:] = qpos
        mujoco.mj_kinematics(caster.model, data)
        camera = jax.tree.map(lambda leaf, eye=eye: leaf[:, eye], pair)
        expected = np.asarray(render(jnp.asarray(qpos, jnp.float32)[None], jnp.zeros(1, jnp.int32), camera))[
            0
        ]
        agree = np.abs(caster.depth(data, 2.0) - expected)[(expected > 0.5) & (expected < 1.3)] < 2e-4
        assert agree.size > 1000 and agree.mean() > 0.995


def test_a_pair_in_colour_sees_the_object_in_both_eyes(robot):
    """What the object covers, once the right image is turned: moved by the parallax of the pair."""
    camera = SimulatedCamera(robot, STEREO)
    images = []
    for place in ((-0.55, 0.1, 0.3), (5.0, 5.0, 0.3)):
        robot.place(0, place)
        image = camera.read()
        assert isinstance(image, StereoImage)
        assert image.left.shape == image.right.shape == (60, 80, 3) and image.left.dtype == np.uint8
        images.append(np.stack(image.turned()).astype(int))
        robot.advance(robot.now + 1 / 60)
    changed = np.abs(images[0] - images[1]).sum(-1) > 30
    middles = [np.argwhere(eye)[:, ::-1].mean(axis=0) for eye in changed]
    depth = stereo_pair(STEREO.rgb)[0].rot[:, 2] @ (np.array([-0.55, 0.1, 0.3]) - scene.DEPTH_CAMERA_POS)
    parallax = scene.FOCAL_LENGTH * 80 / depth * np.array(scene.PAIR_OFFSET[:2])
    np.testing.assert_allclose(middles[0] - middles[1], parallax, atol=1.0)


def arrivals(robot, faults: Faults, steps: int = 120) -> np.ndarray:
    """Ages of the images that a reader sees, s, nan without any."""
    camera = SimulatedCamera(robot, CONFIG, faults, seed=1)
    # Pictures do not matter here.
    camera._sensor.draw = lambda model, qpos, time: DepthImage(time, np.zeros((60, 80), np.float32))
    ages = []
    for _ in range(steps):
        robot.advance(robot.now + 1 / 60)
        image = camera.read()
        ages.append(np.nan if image is None else robot.now - image.time)
    return np.array(ages)


def test_images_are_late_jittered_and_lost_as_asked(robot):
    np.testing.assert_allclose(arrivals(robot, Faults()), 0, atol=1e-6)
    ages = arrivals(robot, Faults(latency=0.05))[10:]
    np.testing.assert_allclose(ages, 0.05, atol=1e-6)
    ages = arrivals(robot, Faults(latency=0.02, jitter=0.06))[10:]
    assert ages.min() >= 0.02 and ages.max() <= 0.02 + 0.06 + 2 / 60 and np.ptp(ages) > 0.01
    ages = arrivals(robot, Faults(dropped=0.3))[10:]
    assert 0.2 < (ages > 1e-3).mean() < 0.45
    assert np.isnan(arrivals(robot, Faults(dropped=1.0))).all()


def test_a_camera_that_hangs_wrong_sees_something_else(robot):
    robot.place(0, (-0.55, 0.1, 0.3))
    images = []
    for faults in (Faults(), Faults(euler_error=(0.05, 0, 0)), Faults(pos_error=(0, 0, 0.02))):
        image = SimulatedCamera(robot, CONFIG, faults).read()
        assert image is not None
        images.append(image.depth)
    for wrong in images[1:]:
        assert (np.abs(images[0] - wrong) > 0.002).mean() > 0.1


def test_stop_holds_the_arm_where_it_is_and_the_hand_closed(robot):
    target = RESET_POS + 0.3
    robot.command(target, np.zeros(23))
    robot.advance(0.2)
    robot.stop()
    stopped_at = robot.read().pos
    robot.advance(1.2)
    assert robot.stopped
    assert np.abs(robot.read().pos - stopped_at)[:7].max() < 0.05
    assert np.abs(robot.read().vel).max() < 0.05
    assert np.abs(stopped_at - target)[:7].max() > 0.1
    assert np.abs(robot.read().pos - target)[8:19].max() < 0.05


def test_objects_are_found_in_pictures():
    """Within 6 cm sideways and 5 cm in height: the surface that the camera sees, not the middle."""
    robot = SimulatedRobot(CONFIG, HELDOUT)
    camera, estimate = SimulatedCamera(robot, CONFIG), ObjectEstimate(depth_camera(CONFIG.camera))
    for k, x, y in ((0, -0.55, 0.1), (11, -0.7, -0.05), (16, -0.4, 0.35), (29, -0.75, 0.4)):
        robot.place(k, (x, y, 0.4))
        robot.advance(robot.now + 1.0)
        image = camera.read()
        assert image is not None
        found = estimate.find(image.depth, robot.read().pos)
        assert found is not None
        error = found - robot.object_pos
        assert np.abs(error[:2]).max() < 0.06 and abs(error[2]) < 0.05, (k, error)


def test_neither_table_nor_robot_is_an_object(robot):
    estimate = ObjectEstimate(depth_camera(CONFIG.camera))
    target = RESET_POS.copy()
    target[[1, 3]] += (-0.6, 0.55)
    robot.place(0, (0.3, -0.5, 0.1))  # out of sight
    robot.command(target, np.zeros(23))
    for _ in range(6):
        robot.advance(robot.now + 0.2)
        image = SimulatedCamera(robot, CONFIG).read()
        assert image is not None
        assert estimate.find(image.depth, robot.read().pos) is None


def test_bin_holds_what_falls_into_it(robot):
    robot.place(PRIMITIVES.names.index("large_8_cyl"), (0.1, 0.6, 0.5))
    robot.advance(robot.now + 1.5)
    assert cell.is_in_bin(robot.object_pos)
    assert not cell.is_in_bin(np.array([-0.5, 0.1, TABLE_TOP]))
    assert not cell.is_in_bin(np.array([0.02, 0.46, 0.4]))
