"""Colours of the tiled renderer, against geometry and light worked out here or by MuJoCo C."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from mjxdex import objects, scene
from mjxdex.config import CameraConfig, Config
from mjxdex.objects.shapes import Part, Shape
from mjxdex.render import Cameras, TiledDepthRenderer, TiledRgbRenderer, cameras, looks
from mjxdex.render.textures import background_bank
from mjxdex.robot.tables import RESET_POS

CAMERA = CameraConfig(width=72, height=52)
"""Multiples of no tile and no patch."""
FOCAL = 1.1
SHAPES = objects.compile_set(
    "shapes",
    tuple(
        Shape(name, (Part(type, size),))
        for name, type, size in (
            ("wall", "box", (0.4, 0.4, 0.02)),
            ("ball", "ellipsoid", (0.1, 0.1, 0.1)),
            ("box", "box", (0.1, 0.06, 0.08)),
            ("cylinder", "cylinder", (0.05, 0.1, 0.0)),
            ("capsule", "capsule", (0.05, 0.08, 0.0)),
            ("ellipsoid", "ellipsoid", (0.12, 0.04, 0.07)),
        )
    ),
)
WALL, BALL = 0, 1
FAR = np.array([3.0, 3.0, 2.0])
"""Where an object can be seen alone, metres."""
UPRIGHT = np.array([1.0, 0.0, 0.0, 0.0])
TILTED = np.array([0.8, 0.36, -0.48, 0.0])


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return scene.build(Config(camera=CAMERA), SHAPES)


def poses(pos: np.ndarray, quat: np.ndarray = UPRIGHT, count: int = 1) -> jax.Array:
    """qpos of the reset robot with the object at `pos`, in `count` envs."""
    row = np.concatenate((RESET_POS, pos, quat / np.linalg.norm(quat)))
    return jnp.tile(jnp.asarray(row, jnp.float32), (count, 1))


def above(pos: np.ndarray, distance: float, shifts: tuple[float, ...] = (0.0,), count: int = 1) -> Cameras:
    """Cameras that look straight down at `pos`, one per view, shifted to the right by metres."""
    at = np.array([pos + (shift, 0, distance) for shift in shifts])
    views = len(shifts)
    camera = Cameras(pos=at, rot=np.tile(np.eye(3), (views, 1, 1)), focal=np.full(views, FOCAL))  # pyright: ignore
    return jax.tree.map(lambda leaf: jnp.tile(jnp.float32(leaf), (count,) + (1,) * leaf.ndim), camera)


def matt(count: int = 1, views: int = 1, **changes) -> looks.Looks:
    """White surfaces without any gloss and without any light, in every env; `changes` replace leaves."""
    look = looks.default(count, views)
    dark = jnp.zeros((count, 3))
    look = look._replace(
        tint=jnp.ones_like(look.tint),
        roughness=jnp.ones_like(look.roughness),
        specular=jnp.zeros_like(look.specular),
        **dict.fromkeys(("light", "sky", "ground"), dark),
    )
    return look._replace(
        **{key: jnp.broadcast_to(value, getattr(look, key).shape) for key, value in changes.items()}
    )


def draw(model, qpos, object_id, camera, look, **options) -> np.ndarray:
    count, views = camera.focal.shape
    renderer = TiledRgbRenderer(model, SHAPES, CAMERA, count, views, **options)
    ids = jnp.broadcast_to(jnp.asarray(object_id, jnp.int32), count)
    return np.asarray(jax.jit(renderer.render)(qpos, ids, camera, look))


def linear(rgb: np.ndarray) -> np.ndarray:
    c = rgb / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def rays() -> np.ndarray:
    """Directions of the pixels in the camera's frame, planar depth 1, [H, W, 3]."""
    x = (np.arange(CAMERA.width) + 0.5 - CAMERA.width / 2) / (FOCAL * CAMERA.width)
    y = (CAMERA.height / 2 - np.arange(CAMERA.height) - 0.5) / (FOCAL * CAMERA.width)
    return np.stack([*np.meshgrid(x, y), np.full((CAMERA.height, CAMERA.width), -1.0)], axis=-1)


def test_matt_surfaces_follow_lambert(model):
    light_dir = np.array([0.48, -0.36, 0.8])
    tint, light = np.array([0.5, 0.25, 0.1]), np.array([0.9, 0.8, 1.0])
    sky, ground = np.array([0.1, 0.2, 0.3]), np.array([0.05, 0.0, 0.02])
    look = matt(2, tint=tint, light_dir=light_dir, light=light, sky=sky, ground=ground)
    rgb = draw(model, poses(FAR, count=2), [WALL, BALL], above(FAR, 0.6, count=2), look)[:, 0]
    assert np.abs(linear(rgb[WALL]) - tint * (0.8 * light + sky)).max() < 0.005

    d = rays()
    # |s d + c|^2 = r^2 with the camera 0.6 m over a ball of 0.1 m
    a, b, c = (d * d).sum(-1), -0.6, 0.6**2 - 0.1**2
    root = b * b - a * c
    hit = root > 2e-4  # without its outline
    s = (-b - np.sqrt(np.where(hit, root, 0))) / a
    n = (s[..., None] * d + (0, 0, 0.6)) / 0.1
    up = 0.5 + 0.5 * n[..., 2:]
    expected = tint * (np.maximum(n @ light_dir, 0)[..., None] * light + up * sky + (1 - up) * ground)
    assert hit.sum() > 300
    assert np.abs(linear(rgb[BALL]) - expected)[hit].max() < 0.006


def test_normals_are_those_of_the_depth(model):
    kinds, axes = np.arange(2, 6), np.concatenate((np.eye(3), -np.eye(3)))
    ids, count = np.repeat(kinds, 6), 24
    camera = above(FAR, 0.4, count=count)
    qpos = poses(FAR, TILTED, count)
    light_dir = jnp.tile(jnp.float32(axes), (4, 1))
    rgb = draw(model, qpos, ids, camera, matt(count, light_dir=light_dir, light=jnp.ones(3)))
    shade = linear(rgb[..., 0]).reshape(4, 6, CAMERA.height, CAMERA.width)
    normal = np.moveaxis(shade[:, :3] - shade[:, 3:], 1, -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-12

    depth_renderer = TiledDepthRenderer(model, SHAPES, CAMERA, count)
    single = jax.tree.map(lambda leaf: leaf[:, 0], camera)
    depth = np.asarray(depth_renderer.render(qpos, jnp.asarray(ids, jnp.int32), single))[::6]
    points = depth[..., None] * rays()
    across, down = points[:, 1:-1, 2:] - points[:, 1:-1, :-2], points[:, 2:, 1:-1] - points[:, :-2, 1:-1]
    expected = np.cross(down, across)
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True) + 1e-12
    # Away from outlines and edges, where the surface is not smooth.
    window = np.stack(
        [depth[:, 1 + j : 51 + j, 1 + i : 71 + i] for i, j in ((-1, 0), (1, 0), (0, -1), (0, 1), (0, 0))]
    )
    bend = np.abs(window[:2].sum(0) - 2 * window[4]) + np.abs(window[2:4].sum(0) - 2 * window[4])
    smooth = (window > 0).all(axis=0) & (bend < 1e-3)
    angle = np.rad2deg(np.arccos(np.clip((normal[:, 1:-1, 1:-1] * expected).sum(-1), -1, 1)))
    for i, kind in enumerate(kinds):
        assert smooth[i].sum() > 150, SHAPES.names[kind]
        assert np.quantile(angle[i][smooth[i]], 0.98) < 3, SHAPES.names[kind]


def test_the_texture_moves_with_the_object(model):
    ids, count = np.arange(6), 6
    shift, quat = np.array([0.3, -0.2, 0.25]), np.array([0.6, 0.0, 0.48, 0.64])
    turn = np.zeros(9)
    mujoco.mju_quat2Mat(turn, quat)
    turn = turn.reshape(3, 3)
    start, camera = poses(FAR, count=count), above(FAR, 0.5, count=count)
    moved = poses(FAR + shift, quat, count)
    followed = camera._replace(
        pos=jnp.float32(FAR + shift + turn @ (0, 0, 0.5)) + jnp.zeros_like(camera.pos),
        rot=jnp.float32(turn) + jnp.zeros_like(camera.rot),
    )
    white = jnp.ones(3)
    look = matt(count, texture=30, texture_scale=8.0, texture_turn=0.4, sky=white, ground=white)
    first = draw(model, start, ids, camera, look).astype(int)
    again = draw(model, moved, ids, followed, look).astype(int)
    seen = first.min(axis=-1) < 255  # the moved camera may see the robot beside the object
    assert (seen.mean(axis=(1, 2, 3)) > 0.05).all()
    assert (np.abs(again - first).max(axis=-1)[seen] > 8).mean() < 0.005
    assert np.abs(first[WALL] - first[WALL].mean(axis=(0, 1, 2))).mean() > 10


def test_shadows_fall_where_mujoco_says(model):
    object_id, count = 2, 3
    light_dir = np.array([[0.0, 0.0, 1.0], [-0.36, -0.48, 0.8], [0.64, -0.48, 0.6]])
    centre = np.array([-0.5, 0.1, scene.TABLE_TOP + 0.15])
    qpos, camera = poses(centre, TILTED, count), above(np.array([-0.5, 0.1, 0.3]), 0.9, count=count)
    look = matt(count, light_dir=jnp.float32(light_dir), light=jnp.full(3, 0.9), sky=jnp.full(3, 0.1))
    rgb = draw(model, qpos, object_id, camera, look)[:, 0, ..., 0]
    without = draw(model, qpos, object_id, camera, look, shadows=False)[:, 0, ..., 0]

    reference = scene.build(Config(camera=CAMERA), SHAPES, object_id)
    data = mujoco.MjData(reference)
    data.qpos[:] = qpos[0]
    mujoco.mj_kinematics(reference, data)
    groups, geom, table = np.array([1, 1, 1, 0, 0, 0], np.uint8), np.zeros(1, np.int32), []
    expected = np.zeros((count, CAMERA.height, CAMERA.width))
    eye = np.asarray(camera.pos[0, 0], float)
    for (row, column), d in zip(np.ndindex(52, 72), rays().reshape(-1, 3), strict=True):
        distance = mujoco.mj_ray(reference, data, eye, d, groups, 1, -1, geom)
        point = eye + distance * d
        if geom[0] == reference.geom("table").id and abs(point[2] - scene.TABLE_TOP) < 1e-5:
            table.append((row, column))
            for i, towards in enumerate(light_dir):
                blocked = mujoco.mj_ray(reference, data, point + 1e-4 * towards, towards, groups, 1, -1, None)
                expected[i, row, column] = blocked >= 0
    rows, columns = np.array(table).T
    dark = linear(rgb) < 0.2
    for i in range(count):
        on_table = expected[i, rows, columns] > 0
        assert 0.02 < on_table.mean() < 0.7
        assert (dark[i, rows, columns] != on_table).mean() < 2e-3
        np.testing.assert_allclose(linear(without[i, rows, columns]), 0.1 + 0.9 * light_dir[i, 2], atol=0.01)


def test_each_part_has_its_own_look(model):
    tint = jnp.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])
    white = jnp.ones(3)
    qpos, object_id = poses(np.array([-0.6, 0.05, 0.4])), 3
    camera = jax.tree.map(lambda leaf: leaf[:, None], cameras.nominal(1))
    look = matt(tint=tint, sky=white, ground=white)
    rgb = draw(model, qpos, object_id, camera, look)[0, 0]
    reference = scene.build(Config(camera=CAMERA), SHAPES, object_id)
    data = mujoco.MjData(reference)
    data.qpos[:] = qpos[0]
    mujoco.mj_kinematics(reference, data)
    eye, rot = (np.asarray(leaf[0, 0], float) for leaf in (camera.pos, camera.rot))
    groups, geom = np.array([1, 1, 1, 0, 0, 0], np.uint8), np.zeros(1, np.int32)
    expected = np.full_like(rgb, 255)
    d = rays() * (FOCAL / float(camera.focal[0, 0]), FOCAL / float(camera.focal[0, 0]), 1)
    for row, column in np.ndindex(52, 72):
        if mujoco.mj_ray(reference, data, eye, rot @ d[row, column], groups, 1, -1, geom) >= 0:
            link = reference.geom(geom[0]).name.rsplit("_", 1)[0]
            part = {"table": 0, "object": 3}.get(link, 1 if link.startswith("iiwa7_link") else 2)
            expected[row, column] = 255 * np.asarray(tint[part])
    wrong = (rgb != expected).any(axis=-1)
    assert wrong.mean() < 2e-3
    assert len(np.unique(expected.reshape(-1, 3), axis=0)) == 5


def test_misses_show_the_crop_of_the_background_or_the_dome(model):
    nowhere = above(FAR + (5.0, 0, 0), 0.5, (0.0, 0.1), count=2)
    shift = jnp.array([[[0.0, 0.0], [1.0, 1.0]], [[0.25, 0.75], [0.5, 0.0]]])
    look = matt(2, 2, background=jnp.array([3, 11]), background_shift=shift)
    rgb = draw(model, poses(FAR, count=2), WALL, nowhere, look)
    bank = background_bank(52, 72)
    np.testing.assert_array_equal(rgb[0, 0], bank[3, :52, :72])
    np.testing.assert_array_equal(rgb[0, 1], bank[3, 52:, 72:])
    np.testing.assert_array_equal(rgb[1, 0], bank[11, 39:91, 18:90])
    np.testing.assert_array_equal(rgb[1, 1], bank[11, :52, 36:108])
    plain = matt(2, 2, sky=jnp.full(3, 1.0), ground=jnp.full(3, 0.2))
    d = rays() / np.linalg.norm(rays(), axis=-1, keepdims=True)
    dome = draw(model, poses(FAR, count=2), WALL, nowhere, plain)
    assert np.abs(linear(dome[1, 1, ..., 0]) - (0.6 + 0.4 * d[..., 2])).max() < 0.005


def test_disparity_of_a_textured_plane(model):
    baseline, distances = 0.09, np.array([0.4, 0.6, 0.9])
    white = jnp.ones(3)
    look = matt(3, 2, texture=20, texture_scale=6.0, sky=white, ground=white)
    pair = [above(FAR, z, (-baseline / 2, baseline / 2)) for z in distances + 0.02]
    pair = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *pair)
    rgb = draw(model, poses(FAR, count=3), WALL, pair, look)[..., 1].astype(float)
    shifts = np.arange(4, 24, 0.05)
    column = np.arange(CAMERA.width)
    for (left, right), z in zip(rgb, distances, strict=True):
        errors = []
        for shift in shifts:
            inner = column[(column - shift >= 0)]
            moved = np.stack([np.interp(inner - shift, column, row) for row in right])
            errors.append(np.mean((left[:, inner] - moved) ** 2))
        assert shifts[np.argmin(errors)] == pytest.approx(FOCAL * CAMERA.width * baseline / z, abs=0.25)


def test_a_fine_texture_far_away_blurs_to_its_mean(model):
    white = jnp.ones(3)
    look = matt(2, texture=0, texture_scale=jnp.array([[[50.0]], [[5.0]]]), sky=white, ground=white)
    rgb = draw(model, poses(FAR, count=2), WALL, above(FAR, 1.2, count=2), look)[:, 0, 14:-14, 24:-24]
    assert linear(rgb[0]).std(axis=(0, 1)).max() < 0.06 < linear(rgb[1]).std(axis=(0, 1)).max()
    np.testing.assert_allclose(linear(rgb[0]).mean((0, 1)), linear(rgb[1]).mean((0, 1)), atol=0.05)


def test_glossy_surfaces_shine_where_they_mirror_the_light(model):
    light_dir = np.array([0.28, 0.0, 0.96])
    look = matt(
        2, tint=0.0, specular=0.5, roughness=jnp.array([[0.3], [0.8]]), light_dir=light_dir, light=jnp.ones(3)
    )
    rgb = linear(draw(model, poses(FAR, count=2), BALL, above(FAR, 0.5, count=2), look)[:, 0, ..., 0])
    row, column = np.unravel_index(rgb[0].argmax(), rgb[0].shape)
    # The half vector of light and view, about 8 degrees from the vertical, is the normal there.
    d = rays()[row, column]
    point = np.array([0.0, 0.0, 0.5]) + d * 0.4
    half = light_dir - d / np.linalg.norm(d)
    assert np.abs(point / 0.1 - half / np.linalg.norm(half))[:2].max() < 0.15
    assert rgb[0].max() > 3 * rgb[1].max() > 0


def test_wrong_numbers_of_envs_and_views_are_errors(model):
    renderer = TiledRgbRenderer(model, SHAPES, CAMERA, 2, 2)
    ids = jnp.zeros(2, jnp.int32)
    with pytest.raises(ValueError, match="holds 1 envs; this renderer was made for 2"):
        renderer.render(poses(FAR), ids[:1], above(FAR, 1.0, (0.0, 0.1)), matt(1, 2))
    with pytest.raises(ValueError, match=r"\(2, 1\).*made for \(2, 2\)"):
        renderer.render(poses(FAR, count=2), ids, above(FAR, 1.0, count=2), matt(2, 1))


def mixed() -> tuple:
    """Arguments of `render`: 4 envs with 2 views, of the scene and of single objects, with textures."""
    qpos = jnp.concatenate((poses(np.array([-0.6, 0.05, 0.4]), count=2), poses(FAR, TILTED, 2)))
    nominal = jax.tree.map(lambda leaf: jnp.stack((leaf, leaf), axis=1), cameras.nominal(2))
    camera = jax.tree.map(
        lambda a, b: jnp.concatenate((a, b)), nominal, above(FAR, 0.5, (0.0, 0.05), count=2)
    )
    look = looks.default(4, 2)._replace(texture=jnp.arange(16).reshape(4, 4), background=jnp.arange(4) - 1)
    return qpos, jnp.array([3, 4, 5, 2]), camera, look


def test_two_devices_draw_what_one_does(model):
    devices, args = jax.devices()[:2], mixed()
    whole = draw(model, *args)
    renderer = TiledRgbRenderer(model, SHAPES, CAMERA, 2, 2, devices)
    split = jax.tree.map(lambda leaf: leaf.reshape(2, 2, *leaf.shape[1:]), args)
    parts = np.asarray(jax.pmap(renderer.render, devices=devices)(*split))
    np.testing.assert_array_equal(parts.reshape(whole.shape), whole)


@pytest.mark.gpu
def test_a_gpu_draws_what_a_cpu_does(model):
    pictures = []
    for device in (jax.devices("gpu")[0], jax.devices("cpu")[0]):
        renderer = TiledRgbRenderer(model, SHAPES, CAMERA, 4, 2, [device])
        picture = jax.jit(renderer.render)(*jax.device_put(mixed(), device))
        pictures.append(np.asarray(picture).astype(int))
    # But for outlines, edges of shadows and seams of textures, which rounding moves.
    assert (np.abs(pictures[0] - pictures[1]).max(axis=-1) > 3).mean() < 3e-3
