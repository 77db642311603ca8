import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from mjxdex import objects, scene
from mjxdex.config import CameraConfig, Config
from mjxdex.objects.shapes import cuboid, cylinder
from mjxdex.render import SIM_AXIS, WarpDepthRenderer, WarpRgbRenderer, quantize
from mjxdex.robot.tables import LOWER, RESET_POS, UPPER

CAMERA = CameraConfig(width=80, height=60)
CONFIG = Config(camera=CAMERA)
NUM_ENVS = 12
OBJECT_ID = jnp.arange(NUM_ENVS)
VISIBLE_GROUPS = np.array([1, 1, 1, 0, 0, 0], np.uint8)


@pytest.fixture(scope="module")
def primitives():
    return objects.load("primitives")


@pytest.fixture(scope="module")
def model(primitives):
    return scene.build(CONFIG, primitives)


@pytest.fixture(scope="module")
def render(primitives, model):
    return jax.jit(WarpDepthRenderer(model, primitives, CAMERA, NUM_ENVS).render)


def poses(seed: int = 0) -> jax.Array:
    """Robots and objects in random poses in front of the camera."""
    random = np.random.default_rng(seed)
    joints = np.clip(RESET_POS + random.uniform(-0.6, 0.6, (NUM_ENVS, 23)), LOWER, UPPER)
    pos = random.uniform((-0.7, 0.0, 0.3), (-0.4, 0.4, 0.7), (NUM_ENVS, 3))
    quat = random.normal(size=(NUM_ENVS, 4))
    quat /= np.linalg.norm(quat, axis=1, keepdims=True)
    return jnp.asarray(np.concatenate([joints, pos, quat], axis=1), jnp.float32)


def rays() -> np.ndarray:
    """Unit direction of each pixel's ray in the frame of the depth camera, [H, W, 3]."""
    focal = 359.125 * CAMERA.width / 320
    v, u = np.mgrid[: CAMERA.height, : CAMERA.width] + 0.5
    right, up = (u - CAMERA.width / 2) / focal, (CAMERA.height / 2 - v) / focal
    direction = np.stack([right, up, -np.ones_like(up)], axis=-1)
    return direction / np.linalg.norm(direction, axis=-1, keepdims=True)


def traced(model: mujoco.MjModel, qpos: np.ndarray) -> np.ndarray:
    """Planar depth by MuJoCo C's ray casting, [H, W]."""
    data = mujoco.MjData(model)
    data.qpos[:] = qpos
    mujoco.mj_forward(model, data)
    camera = data.camera(scene.DEPTH_CAMERA)
    local = rays().reshape(-1, 3)
    geom, depth = np.zeros(1, np.int32), np.zeros(len(local))
    for i, ray in enumerate(local @ camera.xmat.reshape(3, 3).T):  # mj_multiRay misses geoms at times
        distance = mujoco.mj_ray(model, data, camera.xpos, ray, VISIBLE_GROUPS, 1, -1, geom)
        depth[i] = distance * -local[i, 2] if geom[0] >= 0 else 0.0
    return depth.reshape(CAMERA.height, CAMERA.width)


def test_depth_is_that_of_rays_cast_by_mujoco(primitives, render):
    """All 12 objects in one batch, each against a scene that holds nothing but it: so sizes are right and
    unused slots invisible. Rays that graze an edge may hit in one precision and miss in the other."""
    qpos = poses()
    depth = np.asarray(render(qpos, OBJECT_ID))
    for k in range(NUM_ENVS):
        expected = traced(scene.build(CONFIG, primitives, object_id=k), np.asarray(qpos[k]))
        assert (expected > 0).mean() > 0.2
        wrong = ~np.isclose(depth[k], expected, rtol=0, atol=1e-5)
        assert wrong.sum() <= 3, f"{primitives.names[k]}: {wrong.sum()} of {wrong.size} pixels"


def test_depth_of_a_box_is_planar():
    """A box that fills the view at right angles to the optical axis has the same depth at every pixel; along
    the rays the distance to its corners would be 15 % more."""
    screen = objects.compile_set("screen", (cuboid("screen", 2000, 2000, 200), cylinder("rod", 30, 80)))
    model = scene.build(CONFIG, screen)
    render = jax.jit(WarpDepthRenderer(model, screen, CAMERA, 1).render)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    camera = data.camera(scene.DEPTH_CAMERA)
    axis = -camera.xmat.reshape(3, 3)[:, 2]
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, camera.xmat)
    qpos = np.concatenate([RESET_POS, camera.xpos + 0.35 * axis, quat]).astype(np.float32)[None]
    np.testing.assert_allclose(render(jnp.asarray(qpos), jnp.zeros(1, jnp.int32)), 0.25, atol=1e-6)


def test_a_moved_object_moves_in_the_very_next_image(render):
    qpos = poses(1)
    first = render(qpos, OBJECT_ID)
    moved = qpos.at[:, 23:26].add(jnp.array([0.05, 0.0, 0.03]))
    second = render(moved, OBJECT_ID)
    assert (np.asarray(first != second).sum(axis=(1, 2)) > 3).all()
    np.testing.assert_array_equal(render(qpos, OBJECT_ID), first)


def test_images_in_a_scan_follow_the_poses(render):
    qpos = jnp.stack([poses(seed) for seed in range(4)])
    _, scanned = jax.jit(lambda q: jax.lax.scan(lambda _, row: (None, render(row, OBJECT_ID)), None, q))(qpos)
    for row, image in zip(qpos, scanned, strict=True):
        np.testing.assert_array_equal(render(row, OBJECT_ID), image)


def test_devices_of_a_pmap_never_see_each_others_scene(primitives, model, render):
    devices = jax.devices()[:3]
    renderer = WarpDepthRenderer(model, primitives, CAMERA, NUM_ENVS, devices)
    pmapped = jax.pmap(renderer.render, axis_name=SIM_AXIS, devices=devices)
    qpos = jnp.stack([poses(seed) for seed in range(3)])
    ids = jnp.stack([OBJECT_ID, OBJECT_ID[::-1], jnp.roll(OBJECT_ID, 3)])
    expected = np.stack([render(*row) for row in zip(qpos, ids, strict=True)])
    for _ in range(20):
        np.testing.assert_array_equal(pmapped(qpos, ids), expected)


def test_the_wrong_number_of_envs_is_an_error(render):
    with pytest.raises(ValueError, match="3 envs.*made for 12"):
        render(poses()[:3], OBJECT_ID[:3])


def test_colours(primitives, model):
    """The object's yellow appears in the overview, and disappears when the object is elsewhere."""
    render = jax.jit(WarpRgbRenderer(model, primitives, 1, 80, 60).render)
    qpos = jnp.concatenate([jnp.asarray(RESET_POS), jnp.array([-0.6, 0.1, 0.3, 1, 0, 0, 0])])[None]
    pictures = [np.asarray(render(q, jnp.zeros(1, jnp.int32)))[0] for q in (qpos, qpos.at[0, 25].set(-5))]
    assert pictures[0].shape == (60, 80, 3) and pictures[0].dtype == np.uint8
    yellow = (pictures[0][..., 0] > 120) & (pictures[0][..., 2] < 0.4 * pictures[0][..., 0])
    assert (yellow & (pictures[0] != pictures[1]).any(axis=-1)).sum() > 20


def test_quantize():
    depth = jnp.array([0.0, 0.49999, 0.5, 0.61237, 1.3, 1.30001, 7.0])
    np.testing.assert_array_equal(quantize(depth, 0.5, 1.3), [0, 0, 5000, 6124, 13000, 0, 0])
    assert quantize(depth, 0.5, 1.3).dtype == jnp.uint16
