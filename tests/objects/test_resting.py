"""Objects dropped in a mixed batch of MJX-Warp, against each of them alone in MuJoCo C.

Where objects roll or rock on a rounded side, rounding errors grow. How much a fall may differ is therefore
measured: MuJoCo C itself starts again with the object tilted by 0.06 degrees.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from mjxdex import objects, scene
from mjxdex.config import Config
from mjxdex.physics import PhysicsState, Worlds, nominal
from mjxdex.robot.tables import RESET_POS

CONFIG = Config()
STEPS = 120
FALLING, LANDED = 10, 16
"""Control steps of 1/60 s: shortly before and after the first touch. After 120 most objects are at rest."""
START = (-0.55, 0.1, 0.5)
TILT = 1e-3
TILT_AXES = ((0.8, 0.6, 0.0), (-0.6, 0.8, 0.0), (0.0, -1.0, 0.0))
FEW = (
    "large_12_cuboid", "small_5_cyl", "1m0lvpzs", "1uujmwjg", "2e5nsrxv", "116873", "1nbuaiv2", "84phlf0m",
    "horse", "igea", "lucy", "3rfhrd9i", "airplane", "camera", "saucepan", "bird_house",
)  # fmt: skip


class Fall(NamedTuple):
    """Object poses of K objects over time: position [STEPS, K, 3] and direction of the object's z axis."""

    pos: np.ndarray
    up: np.ndarray


def fall(qpos: np.ndarray) -> Fall:
    """From qpos [STEPS, K, 30]."""
    w, x, y, z = np.moveaxis(qpos[..., 26:], -1, 0)
    return Fall(
        qpos[..., 23:26], np.stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)], -1)
    )


def start(tilt: float = 0.0, axis=(1.0, 0.0, 0.0)) -> np.ndarray:
    """qpos [30]: the robot at its reset pose, out of reach; the object 0.25 m above the table."""
    return np.array([*RESET_POS, *START, np.cos(tilt / 2), *(np.sin(tilt / 2) * np.array(axis))], np.float32)


def in_a_batch(made: objects.ObjectSet) -> Fall:
    count = len(made)
    step = jax.jit(Worlds(CONFIG, scene.build(CONFIG, made), made, count).step)
    velocity = jnp.zeros((count, 29))
    state = PhysicsState(jnp.tile(start(), (count, 1)), velocity, velocity)
    ctrl = jnp.tile(jnp.asarray(RESET_POS, jnp.float32), (count, 1))
    params, wrench = nominal(jnp.arange(count)), jnp.zeros((count, 6))
    rows = []
    for _ in range(STEPS):
        state, reading = step(state, ctrl, params, wrench)
        assert not reading.contact_overflow.any() and not reading.constraint_overflow.any()
        rows.append(np.asarray(state.qpos))
    return fall(np.stack(rows))


def alone(made: objects.ObjectSet, tilt: float = 0.0, axis=(1.0, 0.0, 0.0)) -> Fall:
    rows = np.zeros((STEPS, len(made), 30))
    for k in range(len(made)):
        model = scene.build(CONFIG, made, object_id=k)
        data = mujoco.MjData(model)
        data.qpos[:], data.ctrl[:] = start(tilt, axis), RESET_POS
        for i in range(STEPS):
            mujoco.mj_step(model, data, CONFIG.physics.substeps)
            rows[i, k] = data.qpos
    return fall(rows)


def differences(a: Fall, b: Fall) -> dict[str, np.ndarray]:
    """Of each object [K]: metres while falling, just after landing and in height at the end; degrees between
    its z axes at the end."""
    distance = np.linalg.norm(a.pos - b.pos, axis=-1)
    cosine = (a.up[-1] * b.up[-1]).sum(axis=-1)
    return {
        "falling": distance[:FALLING].max(axis=0),
        "landing": distance[LANDED],
        "height": np.abs(a.pos[-1] - b.pos[-1])[:, 2],
        "tilt": np.rad2deg(np.arccos(np.clip(cosine, -1, 1))),
    }


FLOOR = {"falling": 1e-6, "landing": 1e-4, "height": 2e-5, "tilt": 0.05}
"""What single precision alone may do."""
GROWTH = 3.0
"""Differences may be this much larger than those that 0.06 degrees make in MuJoCo C."""


def compare(made: objects.ObjectSet) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Differences of the batch, and those of MuJoCo C with itself, largest over TILT_AXES."""
    expected = alone(made)
    again = [differences(alone(made, TILT, axis), expected) for axis in TILT_AXES]
    own = {key: np.max([row[key] for row in again], axis=0) for key in FLOOR}
    return differences(in_a_batch(made), expected), own


def shapes_called(names) -> tuple[objects.Shape, ...]:
    shapes = {shape.name: shape for name in ("dextrah", "heldout") for shape in objects.load(name).shapes}
    return tuple(shapes[name] for name in names)


def beyond(made: objects.ObjectSet, floor: dict[str, float] = FLOOR) -> dict[str, set[str]]:
    """Names of the objects that differ more than they may."""
    batch, own = compare(made)
    return {key: set(np.array(made.names)[batch[key] > floor[key] + GROWTH * own[key]]) for key in floor}


def test_objects_fall_and_rest_as_they_do_alone():
    made = objects.compile_set("few", shapes_called(FEW))
    assert {part.type for shape in made.shapes for part in shape.parts} == set(objects.shapes.PART_TYPES)
    assert beyond(made) == {key: set() for key in FLOOR}


@pytest.mark.slow
def test_every_object_falls_and_rests_as_it_does_alone():
    """Contacts of ellipsoids are found iteratively in single precision, and shallow ones may be off by
    degrees; so a third of the objects with an ellipsoid may roll to another place. All others come to rest
    alike; one of them, a mug that lands on its side, differs by 2 mm while it lands."""
    dextrah, heldout = objects.load("dextrah"), objects.load("heldout")
    made = objects.compile_set("all", (*dextrah.shapes, *heldout.shapes))
    assert len(made) == 182
    with_ellipsoid = {shape.name for shape in made.shapes if any(p.type == "ellipsoid" for p in shape.parts)}
    names = beyond(made, FLOOR | {"landing": 3e-3, "tilt": 0.1})
    assert not names["falling"] and not names["landing"]
    astray = names["height"] | names["tilt"]
    assert astray <= with_ellipsoid
    assert len(astray) <= len(with_ellipsoid) / 3
