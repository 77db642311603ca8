"""All depth renderers against analytic scenes and MuJoCo C.

Those that run on CPUs do so in every test run. All of them on the first GPU, or on several:

    MJXDEX_TEST_GPU=1 pytest -m gpu tests/render/test_depth.py
    MJXDEX_TEST_GPU=1 pytest -m multigpu tests/render/test_depth.py
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from mjxdex import objects, scene
from mjxdex.config import CameraConfig, Config
from mjxdex.evaluation.render_scenes import cast, rays
from mjxdex.objects.shapes import Part, Shape, cuboid, cylinder
from mjxdex.render import DEPTH_RENDERERS, SIM_AXIS, Cameras, cameras, quantize
from mjxdex.robot.tables import LOWER, RESET_POS, UPPER

CAMERA = CameraConfig(width=80, height=64)
CONFIG = Config(camera=CAMERA)
NUM_ENVS = 12
OBJECT_ID = jnp.arange(NUM_ENVS)
NOMINAL = cameras.nominal(NUM_ENVS)


class Backend(NamedTuple):
    """A renderer, and what is asked of it.

    Attributes:
      name: of `render.backend`.
      flat, curved: errors that are allowed on planes and elsewhere, metres.
      outline: pixels per image that may be off by more, because their rays graze an edge.
      focal: half range of the focal lengths that one batch may have.
    """

    name: str
    flat: float = 5e-6
    curved: float = 1e-5
    outline: int = 3
    focal: float = 0.2

    def make(self, model: mujoco.MjModel, object_set: objects.ObjectSet, *args):
        return DEPTH_RENDERERS[self.name](model, object_set, CAMERA, *args)

    def check(self, depth: jax.Array, expected: np.ndarray, *, flat: bool = False, names=None) -> None:
        """Asserts that images [N, H, W] are the expected ones."""
        wrong = ~np.isclose(depth, expected, rtol=0, atol=self.flat if flat else self.curved)
        for name, count in zip(names or range(len(expected)), wrong.sum(axis=(1, 2)), strict=True):
            assert count <= self.outline, f"image {name}: {count} of {wrong[0].size} pixels"


WARP = Backend("warp")
MJWARP = Backend("mjwarp", curved=5e-5)
MADRONA = Backend("madrona", flat=1e-4, curved=1e-3, outline=CAMERA.width * CAMERA.height // 100, focal=0.0)
"""Curved surfaces are meshes, whose outlines are polygons."""


def on(backend: Backend, *marks: pytest.MarkDecorator):
    label = "-".join((backend.name, *(mark.name for mark in marks)))
    return pytest.param(backend, marks=marks, id=label)


ONE_DEVICE = [on(WARP), on(MJWARP), *(on(b, pytest.mark.gpu) for b in (WARP, MJWARP, MADRONA))]
MANY_DEVICES = [on(WARP), on(MJWARP), *(on(b, pytest.mark.multigpu) for b in (WARP, MJWARP, MADRONA))]


@pytest.fixture(scope="module")
def primitives():
    return objects.load("primitives")


@pytest.fixture(scope="module")
def model(primitives):
    return scene.build(CONFIG, primitives)


@pytest.fixture(scope="module", params=ONE_DEVICE)
def backend(request) -> Backend:
    return request.param


@pytest.fixture(scope="module")
def render(backend, primitives, model):
    return jax.jit(backend.make(model, primitives, NUM_ENVS).render)


def poses(seed: int = 0) -> jax.Array:
    """Robots and objects in random poses in front of the camera."""
    random = np.random.default_rng(seed)
    joints = np.clip(RESET_POS + random.uniform(-0.6, 0.6, (NUM_ENVS, 23)), LOWER, UPPER)
    pos = random.uniform((-0.7, 0.0, 0.3), (-0.4, 0.4, 0.7), (NUM_ENVS, 3))
    quat = random.normal(size=(NUM_ENVS, 4))
    quat /= np.linalg.norm(quat, axis=1, keepdims=True)
    return jnp.asarray(np.concatenate([joints, pos, quat], axis=1), jnp.float32)


def random_cameras(focal: float, seed: int = 0) -> Cameras:
    """Cameras that differ a lot more than those of the task; the first one is nominal."""
    keys = jax.random.split(jax.random.key(seed), NUM_ENVS)
    size = (jnp.arange(NUM_ENVS) > 0).astype(jnp.float32)
    return jax.vmap(cameras.randomized)(keys, 0.1 * size, 0.05 * size, focal * size)


def in_the_dark(count: int, seed: int = 0) -> Cameras:
    """Cameras high above the robot that look upwards, each in its own direction; they see nothing of it."""
    random = np.random.default_rng(seed)
    euler = random.uniform(-0.5, 0.5, (count, 3)) + [np.pi, 0, 0]
    rot = np.zeros((count, 9))
    for matrix, angles in zip(rot, euler, strict=True):
        quat = np.zeros(4)
        mujoco.mju_euler2Quat(quat, angles, "xyz")
        mujoco.mju_quat2Mat(matrix, quat)
    pos = random.uniform(-0.2, 0.2, (count, 3)) + [0, 0, 4]
    focal = np.full(count, scene.FOCAL_LENGTH)
    return Cameras(*(jnp.asarray(leaf, jnp.float32) for leaf in (pos, rot.reshape(-1, 3, 3), focal)))


def held_before(views: Cameras, centre: np.ndarray, turn: np.ndarray) -> jax.Array:
    """qpos [N, 30] with objects at centres [N, 3] and in orientations [N, 3, 3] of the cameras' frames."""
    rot = np.asarray(views.rot, float)
    quat = np.zeros((len(rot), 4))
    for row, matrix in zip(quat, rot @ turn, strict=True):
        mujoco.mju_mat2Quat(row, np.ascontiguousarray(matrix).ravel())
    pos = np.asarray(views.pos) + np.einsum("nij,nj->ni", rot, centre)
    joints = np.broadcast_to(RESET_POS, (len(rot), len(RESET_POS)))
    return jnp.asarray(np.concatenate([joints, pos, quat], axis=1), jnp.float32)


def test_depth_is_that_of_rays_cast_by_mujoco(backend, primitives, render):
    """All 12 objects in one batch, each with its own camera, against a scene that holds nothing but it: so
    poses, focal lengths and sizes are right and unused slots invisible. Rays that graze an edge may hit in
    one precision and miss in the other."""
    qpos, views = poses(), random_cameras(backend.focal)
    expected = np.stack(
        [
            cast(
                scene.build(CONFIG, primitives, object_id=k),
                np.asarray(qpos[k]),
                Cameras(*(leaf[k] for leaf in views)),
                CAMERA.width,
                CAMERA.height,
            )
            for k in range(NUM_ENVS)
        ]
    )
    assert ((expected > 0).mean(axis=(1, 2)) > 0.1).all()
    backend.check(render(qpos, OBJECT_ID, views), expected, names=primitives.names)


def test_spheres_and_boxes_are_where_geometry_has_them(backend):
    """Six envs of one batch, each with its own size, pose and camera, against rays intersected by hand."""
    balls = tuple(Shape(f"ball_{r}", (Part("ellipsoid", (r, r, r)),)) for r in (0.04, 0.07, 0.1))
    half = np.array([(0.05, 0.05, 0.05), (0.1, 0.03, 0.06), (0.02, 0.12, 0.04)])
    boxes = tuple(Shape(f"box_{i}", (Part("box", tuple(size)),)) for i, size in enumerate(half.tolist()))
    solids = objects.compile_set("solids", balls + boxes)
    random = np.random.default_rng(0)
    centre = random.uniform((-0.1, -0.1, -0.7), (0.1, 0.1, -0.5), (6, 3))
    turn = np.zeros((6, 9))
    for matrix, quat in zip(turn, random.normal(size=(6, 4)), strict=True):
        mujoco.mju_quat2Mat(matrix, quat / np.linalg.norm(quat))
    turn = turn.reshape(6, 3, 3)
    ray = rays(CAMERA.width, CAMERA.height, scene.FOCAL_LENGTH)
    along = np.full((6, CAMERA.height, CAMERA.width), np.inf)
    for i, radius in enumerate((0.04, 0.07, 0.1)):
        towards = ray @ centre[i]
        inside = radius**2 - (centre[i] @ centre[i] - towards**2)
        along[i] = np.where(inside > 0, towards - np.sqrt(np.maximum(inside, 0)), np.inf)
    for i, size in enumerate(half, start=3):
        start, direction = -turn[i].T @ centre[i], ray @ turn[i]
        ends = np.stack([(-size - start) / direction, (size - start) / direction])
        enter, leave = ends.min(axis=0).max(axis=-1), ends.max(axis=0).min(axis=-1)
        along[i] = np.where(enter < leave, enter, np.inf)
    expected = np.where(np.isfinite(along), along * -ray[..., 2], 0.0)
    assert ((expected > 0).sum(axis=(1, 2)) > 50).all()

    views = in_the_dark(6)
    render = jax.jit(backend.make(scene.build(CONFIG, solids), solids, 6).render)
    depth = render(held_before(views, centre, turn), jnp.arange(6), views)
    backend.check(depth[:3], expected[:3])
    backend.check(depth[3:], expected[3:], flat=True)


def test_a_box_moved_by_one_cell_moves_by_it_in_the_very_next_image(backend):
    """A plate of 20 by 10 pixels goes one pixel to the right and one up with every image of a scan."""
    pixel = 0.6 / (scene.FOCAL_LENGTH * CAMERA.width)
    plate = Shape("plate", (Part("box", (10 * pixel, 5 * pixel, 1e-4)),))
    solids = objects.compile_set("plates", (plate, cylinder("rod", 30, 80)))
    render = backend.make(scene.build(CONFIG, solids), solids, 1).render
    views, steps = in_the_dark(1), 8

    @jax.jit
    def film(qpos: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda _, row: (None, render(row, jnp.zeros(1, jnp.int32), views)), None, qpos)[1]

    centres = [np.array([[step * pixel, step * pixel, -0.6 - 1e-4]]) for step in range(steps)]
    depth = film(jnp.stack([held_before(views, centre, np.eye(3)[None]) for centre in centres]))[:, 0]
    expected = np.zeros(depth.shape)
    for step, image in enumerate(expected):
        image[27 - step : 37 - step, 30 + step : 50 + step] = 0.6
    np.testing.assert_allclose(depth, expected, rtol=0, atol=backend.flat)


def test_nominal_camera_is_that_of_the_model(model):
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    camera = data.camera(scene.DEPTH_CAMERA)
    np.testing.assert_allclose(NOMINAL.pos[0], camera.xpos, atol=1e-6)
    np.testing.assert_allclose(NOMINAL.rot[0], camera.xmat.reshape(3, 3), atol=1e-6)
    assert float(NOMINAL.focal[0]) == pytest.approx(359.125 / 320)


def test_depth_of_a_wall_is_planar_and_follows_each_camera(backend):
    """A wall at right angles to the nominal optical axis, 0.25 m away, seen by three cameras of one batch:
    the nominal one (along the rays the distance to the corners would be 15 % more), one moved 0.03 m back,
    and one turned by 0.2 rad about its own y axis, with a longer focal length where the renderer can."""
    screen = objects.compile_set("screen", (cuboid("screen", 2000, 2000, 200), cylinder("rod", 30, 80)))
    model = scene.build(CONFIG, screen)
    render = jax.jit(backend.make(model, screen, 3).render)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    camera = data.camera(scene.DEPTH_CAMERA)
    rot = camera.xmat.reshape(3, 3)
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, camera.xmat)
    qpos = np.concatenate([RESET_POS, camera.xpos - 0.35 * rot[:, 2], quat]).astype(np.float32)
    cos, sin = np.cos(0.2), np.sin(0.2)
    turned = rot @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    focal = scene.FOCAL_LENGTH * (1 + 1.7 * backend.focal)
    views = Cameras(
        pos=jnp.asarray([camera.xpos, camera.xpos + 0.03 * rot[:, 2], camera.xpos], jnp.float32),
        rot=jnp.asarray([rot, rot, turned], jnp.float32),
        focal=jnp.array([scene.FOCAL_LENGTH, scene.FOCAL_LENGTH, focal], jnp.float32),
    )
    depth = render(jnp.tile(qpos, (3, 1)), jnp.zeros(3, jnp.int32), views)
    np.testing.assert_allclose(depth[0], 0.25, atol=backend.flat)
    np.testing.assert_allclose(depth[1], 0.28, atol=backend.flat)
    to_the_right = (np.arange(CAMERA.width) + 0.5 - CAMERA.width / 2) / (focal * CAMERA.width)
    expected = np.broadcast_to(0.25 / (cos + sin * to_the_right), depth[2].shape)
    np.testing.assert_allclose(depth[2], expected, atol=backend.flat)


def test_the_same_poses_give_the_same_images_whatever_was_drawn_before(render):
    qpos = poses(1)
    first = render(qpos, OBJECT_ID, NOMINAL)
    moved = qpos.at[:, 23:26].add(jnp.array([0.05, 0.0, 0.03]))
    second = render(moved, OBJECT_ID, NOMINAL)
    assert (np.asarray(first != second).sum(axis=(1, 2)) > 3).all()
    np.testing.assert_array_equal(render(qpos, OBJECT_ID, NOMINAL), first)


def test_images_in_a_scan_follow_the_poses(backend, render):
    qpos = jnp.stack([poses(seed) for seed in range(4)])

    def body(_, row):
        return None, render(row, OBJECT_ID, NOMINAL)

    _, scanned = jax.jit(lambda q: jax.lax.scan(body, None, q))(qpos)
    for row, images in zip(qpos, scanned, strict=True):
        backend.check(images, np.asarray(render(row, OBJECT_ID, NOMINAL)))


@pytest.mark.parametrize("backend", MANY_DEVICES, indirect=True)
def test_devices_of_a_pmap_never_see_each_others_scene(backend, primitives, model, render):
    devices = jax.devices()[:3]
    assert len(devices) > 1
    pmapped = jax.pmap(
        backend.make(model, primitives, NUM_ENVS, devices).render, axis_name=SIM_AXIS, devices=devices
    )
    count = len(devices)
    qpos = jnp.stack([poses(seed) for seed in range(count)])
    ids = jnp.stack([jnp.roll(OBJECT_ID, 3 * i) for i in range(count)])
    views = [random_cameras(backend.focal, seed) for seed in range(count)]
    expected = np.stack([render(*row) for row in zip(qpos, ids, views, strict=True)])
    views = jax.tree.map(lambda *leaves: jnp.stack(leaves), *views)
    for _ in range(20):
        for images, alone in zip(np.asarray(pmapped(qpos, ids, views)), expected, strict=True):
            backend.check(images, alone)


def test_the_wrong_number_of_envs_is_an_error(render):
    with pytest.raises(ValueError, match="3 envs.*made for 12"):
        render(poses()[:3], OBJECT_ID[:3], NOMINAL)


def test_quantize():
    depth = jnp.array([0.0, 0.49999, 0.5, 0.61237, 1.3, 1.30001, 7.0])
    np.testing.assert_array_equal(quantize(depth, 0.5, 1.3), [0, 0, 5000, 6124, 13000, 0, 0])
    assert quantize(depth, 0.5, 1.3).dtype == jnp.uint16
