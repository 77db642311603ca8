"""What only the tiled renderer does: culling, which must never change an image."""

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from mjxdex import objects, scene
from mjxdex.config import CameraConfig, Config
from mjxdex.objects.shapes import Part, Shape
from mjxdex.render import Cameras, TiledDepthRenderer, tiles
from mjxdex.render.primitives import frames
from mjxdex.robot.tables import RESET_POS

CAMERA = CameraConfig(width=72, height=52)
"""Multiples of no tile."""
NUM_ENVS = 64
SHAPES = objects.compile_set(
    "shapes",
    tuple(
        Shape(type, (Part(type, size),))
        for type, size in {
            "box": (0.15, 0.02, 0.06),
            "cylinder": (0.03, 0.15, 0.0),
            "capsule": (0.02, 0.12, 0.0),
            "ellipsoid": (0.14, 0.02, 0.05),
        }.items()
    ),
)
OBJECT_ID = jnp.arange(NUM_ENVS) % 4


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return scene.build(Config(camera=CAMERA), SHAPES)


def views() -> tuple[jax.Array, Cameras]:
    """Objects all around cameras that stand and look anywhere: in view, half behind them, around them."""
    random = np.random.default_rng(0)
    unit = random.normal(size=(2, NUM_ENVS, 4))
    rot = np.zeros((NUM_ENVS, 9))
    for row, quat in zip(rot, unit[0] / np.linalg.norm(unit[0], axis=1, keepdims=True), strict=True):
        mujoco.mju_quat2Mat(row, quat)
    pos = random.uniform((-1, -1, 0.3), (0, 1, 1.2), (NUM_ENVS, 3))
    joints = RESET_POS + random.uniform(-0.3, 0.3, (NUM_ENVS, 23))
    centre = pos - rot.reshape(-1, 3, 3)[:, :, 2] * random.uniform(0, 0.5, (NUM_ENVS, 1))
    qpos = np.concatenate([joints, centre + random.normal(size=pos.shape) * 0.1, unit[1]], axis=1)
    focal = random.uniform(0.6, 1.4, NUM_ENVS)
    cameras = Cameras(pos=pos, rot=rot.reshape(-1, 3, 3), focal=focal)  # pyright: ignore
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), (jnp.asarray(qpos), cameras))


@pytest.mark.parametrize("tile", [tiles.Tile(), tiles.Tile(8, 4, 1, 64)])
def test_culling_changes_no_pixel(model, tile):
    qpos, cameras = views()
    renderer = TiledDepthRenderer(model, SHAPES, CAMERA, NUM_ENVS, tile=tile)

    @jax.jit
    def both(qpos, cameras):
        primitives, bounds = renderer.place(jax.vmap(frames)(qpos), OBJECT_ID, cameras)
        masks = renderer.cull(cameras.focal, bounds)
        exists = bounds[..., 0] < bounds[..., 1]
        exists = jnp.pad(exists, ((0, 0), (0, -exists.shape[1] % tiles.WORD))).reshape(
            NUM_ENVS, 1, -1, tiles.WORD
        )
        bits = jnp.sum(
            jnp.where(exists, jnp.uint32(1) << jnp.arange(tiles.WORD, dtype=jnp.uint32), 0), axis=-1
        )
        unculled = renderer.trace(
            cameras.focal, primitives, jnp.broadcast_to(bits, masks.shape).astype(jnp.uint32)
        )
        return renderer.render(qpos, OBJECT_ID, cameras), unculled, masks

    culled, unculled, masks = both(qpos, cameras)
    np.testing.assert_array_equal(culled, unculled)
    assert float((culled > 0).mean()) > 0.2
    tested = np.unpackbits(np.asarray(masks).view(np.uint8), axis=-1).sum(axis=-1)
    assert tested.mean() < 12


def test_a_geom_it_cannot_draw_is_an_error(model):
    changed = scene.build(Config(camera=CAMERA), SHAPES)
    changed.geom("floor").group = scene.TABLE_GROUP
    with pytest.raises(ValueError, match="'floor' is a plane"):
        TiledDepthRenderer(changed, SHAPES, CAMERA, 1)
