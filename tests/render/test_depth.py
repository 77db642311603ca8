"""Both depth renderers against analytic scenes and MuJoCo C."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from mjxdex import objects, scene
from mjxdex.config import CameraConfig, Config
from mjxdex.objects.shapes import cuboid, cylinder
from mjxdex.render import DEPTH_RENDERERS, SIM_AXIS, Cameras, cameras, quantize
from mjxdex.robot.tables import LOWER, RESET_POS, UPPER

CAMERA = CameraConfig(width=80, height=60)
CONFIG = Config(camera=CAMERA)
NUM_ENVS = 12
OBJECT_ID = jnp.arange(NUM_ENVS)
NOMINAL = cameras.nominal(NUM_ENVS)
VISIBLE_GROUPS = np.array([1, 1, 1, 0, 0, 0], np.uint8)


@pytest.fixture(scope="module")
def primitives():
    return objects.load("primitives")


@pytest.fixture(scope="module")
def model(primitives):
    return scene.build(CONFIG, primitives)


@pytest.fixture(scope="module", params=DEPTH_RENDERERS)
def backend(request):
    """A class of depth renderers."""
    return DEPTH_RENDERERS[request.param]


@pytest.fixture(scope="module")
def render(backend, primitives, model):
    return jax.jit(backend(model, primitives, CAMERA, NUM_ENVS).render)


@pytest.fixture(scope="module")
def expected(primitives):
    """What MuJoCo sees of `poses()` from `random_cameras()`, in scenes that hold nothing but one object."""
    qpos, views = np.asarray(poses()), jax.tree.map(np.asarray, random_cameras())
    alone = [scene.build(CONFIG, primitives, object_id=k) for k in range(NUM_ENVS)]
    return np.stack([traced(m, qpos[k], *(leaf[k] for leaf in views)) for k, m in enumerate(alone)])


def poses(seed: int = 0) -> jax.Array:
    """Robots and objects in random poses in front of the camera."""
    random = np.random.default_rng(seed)
    joints = np.clip(RESET_POS + random.uniform(-0.6, 0.6, (NUM_ENVS, 23)), LOWER, UPPER)
    pos = random.uniform((-0.7, 0.0, 0.3), (-0.4, 0.4, 0.7), (NUM_ENVS, 3))
    quat = random.normal(size=(NUM_ENVS, 4))
    quat /= np.linalg.norm(quat, axis=1, keepdims=True)
    return jnp.asarray(np.concatenate([joints, pos, quat], axis=1), jnp.float32)


def random_cameras(seed: int = 0) -> Cameras:
    """Cameras that differ a lot more than those of the task; the first one is nominal."""
    keys = jax.random.split(jax.random.key(seed), NUM_ENVS)
    size = (jnp.arange(NUM_ENVS) > 0).astype(jnp.float32)
    return jax.vmap(cameras.randomized)(keys, 0.1 * size, 0.05 * size, 0.2 * size)


def rays(focal: float) -> np.ndarray:
    """Unit direction of each pixel's ray in the frame of a camera with `focal` image widths, [H, W, 3]."""
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width] + 0.5
    right, up = (u - CAMERA.width / 2), (CAMERA.height / 2 - v)
    direction = np.stack([right, up, np.full_like(up, -focal * CAMERA.width)], axis=-1)
    return direction / np.linalg.norm(direction, axis=-1, keepdims=True)


def traced(model: mujoco.MjModel, qpos: np.ndarray, pos: np.ndarray, rot: np.ndarray, focal) -> np.ndarray:
    """Planar depth by MuJoCo C's ray casting, [H, W]."""
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_forward(model, data)
    local = rays(float(focal)).reshape(-1, 3)
    geom, depth = np.zeros(1, np.int32), np.zeros(len(local))
    for i, ray in enumerate(local @ rot.T.astype(float)):  # mj_multiRay misses geoms at times
        distance = mujoco.mj_ray(model, data, pos.astype(float), ray, VISIBLE_GROUPS, 1, -1, geom)
        depth[i] = distance * -local[i, 2] if geom[0] >= 0 else 0.0
    return depth.reshape(CAMERA.height, CAMERA.width)


def test_depth_is_that_of_rays_cast_by_mujoco(primitives, render, expected):
    """All 12 objects in one batch, each with its own camera, against a scene that holds nothing but it: so
    poses, focal lengths and sizes are right and unused slots invisible. Rays that graze an edge may hit in
    one precision and miss in the other."""
    depth = np.asarray(render(poses(), OBJECT_ID, random_cameras()))
    assert ((expected > 0).mean(axis=(1, 2)) > 0.1).all()
    wrong = ~np.isclose(depth, expected, rtol=0, atol=1e-5)
    for name, count in zip(primitives.names, wrong.sum(axis=(1, 2)), strict=True):
        assert count <= 3, f"{name}: {count} of {wrong[0].size} pixels"


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
    and one turned by 0.2 rad about its own y axis, with a longer focal length."""
    screen = objects.compile_set("screen", (cuboid("screen", 2000, 2000, 200), cylinder("rod", 30, 80)))
    model = scene.build(CONFIG, screen)
    render = jax.jit(backend(model, screen, CAMERA, 3).render)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    camera = data.camera(scene.DEPTH_CAMERA)
    rot = camera.xmat.reshape(3, 3)
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, camera.xmat)
    qpos = np.concatenate([RESET_POS, camera.xpos - 0.35 * rot[:, 2], quat]).astype(np.float32)
    cos, sin = np.cos(0.2), np.sin(0.2)
    turned = rot @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    views = Cameras(
        pos=jnp.asarray([camera.xpos, camera.xpos + 0.03 * rot[:, 2], camera.xpos], jnp.float32),
        rot=jnp.asarray([rot, rot, turned], jnp.float32),
        focal=jnp.array([scene.FOCAL_LENGTH, scene.FOCAL_LENGTH, 1.5], jnp.float32),
    )
    depth = render(jnp.tile(qpos, (3, 1)), jnp.zeros(3, jnp.int32), views)
    np.testing.assert_allclose(depth[0], 0.25, atol=1e-6)
    np.testing.assert_allclose(depth[1], 0.28, atol=1e-6)
    to_the_right = (np.arange(CAMERA.width) + 0.5 - CAMERA.width / 2) / (1.5 * CAMERA.width)
    expected = np.broadcast_to(0.25 / (cos + sin * to_the_right), depth[2].shape)
    np.testing.assert_allclose(depth[2], expected, atol=1e-6)


def test_a_moved_object_moves_in_the_very_next_image(render):
    qpos = poses(1)
    first = render(qpos, OBJECT_ID, NOMINAL)
    moved = qpos.at[:, 23:26].add(jnp.array([0.05, 0.0, 0.03]))
    second = render(moved, OBJECT_ID, NOMINAL)
    assert (np.asarray(first != second).sum(axis=(1, 2)) > 3).all()
    np.testing.assert_array_equal(render(qpos, OBJECT_ID, NOMINAL), first)


def test_images_in_a_scan_follow_the_poses(render):
    qpos = jnp.stack([poses(seed) for seed in range(4)])

    def body(_, row):
        return None, render(row, OBJECT_ID, NOMINAL)

    _, scanned = jax.jit(lambda q: jax.lax.scan(body, None, q))(qpos)
    for row, image in zip(qpos, scanned, strict=True):
        np.testing.assert_array_equal(render(row, OBJECT_ID, NOMINAL), image)


def test_devices_of_a_pmap_never_see_each_others_scene(backend, primitives, model, render):
    devices = jax.devices()[:3]
    renderer = backend(model, primitives, CAMERA, NUM_ENVS, devices)
    pmapped = jax.pmap(renderer.render, axis_name=SIM_AXIS, devices=devices)
    qpos = jnp.stack([poses(seed) for seed in range(3)])
    ids = jnp.stack([OBJECT_ID, OBJECT_ID[::-1], jnp.roll(OBJECT_ID, 3)])
    views = jax.tree.map(lambda *leaves: jnp.stack(leaves), *[random_cameras(seed) for seed in range(3)])
    shards = [jax.tree.map(lambda leaf, i=i: leaf[i], views) for i in range(3)]
    expected = np.stack([render(*row) for row in zip(qpos, ids, shards, strict=True)])
    for _ in range(20):
        np.testing.assert_array_equal(pmapped(qpos, ids, views), expected)


def test_the_wrong_number_of_envs_is_an_error(render):
    with pytest.raises(ValueError, match="3 envs.*made for 12"):
        render(poses()[:3], OBJECT_ID[:3], NOMINAL)


def test_quantize():
    depth = jnp.array([0.0, 0.49999, 0.5, 0.61237, 1.3, 1.30001, 7.0])
    np.testing.assert_array_equal(quantize(depth, 0.5, 1.3), [0, 0, 5000, 6124, 13000, 0, 0])
    assert quantize(depth, 0.5, 1.3).dtype == jnp.uint16
