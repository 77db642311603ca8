import mujoco
import numpy as np
import pytest

from mjxdex import objects
from mjxdex.objects import DENSITY, Part, Shape
from mjxdex.objects.inertia import inertial
from mjxdex.objects.solids import box, capsule, ellipsoid, rod

SOLIDS = {
    "box": Part("box", (0.02, 0.03, 0.05), (0.01, -0.02, 0.03), (0.8, 0.36, 0.48, 0.0)),
    "cylinder": Part("cylinder", (0.03, 0.05, 0.0), (0.01, -0.02, 0.03), (0.8, 0.36, 0.48, 0.0)),
    "capsule": Part("capsule", (0.03, 0.05, 0.0), (0.01, -0.02, 0.03), (0.8, 0.36, 0.48, 0.0)),
    "ellipsoid": Part("ellipsoid", (0.02, 0.03, 0.05), (0.01, -0.02, 0.03), (0.8, 0.36, 0.48, 0.0)),
}


def tensor(own) -> np.ndarray:
    rot = np.zeros(9)
    mujoco.mju_quat2Mat(rot, own.quat)
    rot = rot.reshape(3, 3)
    return rot @ np.diag(own.inertia) @ rot.T


def inside(part: Part, points: np.ndarray) -> np.ndarray:
    x, y, z = ((points - np.array(part.pos)) @ part.rot).T
    a, b, c = part.size
    if part.type == "box":
        return (abs(x) <= a) & (abs(y) <= b) & (abs(z) <= c)
    if part.type == "ellipsoid":
        return (x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 <= 1
    if part.type == "cylinder":
        return (x**2 + y**2 <= a**2) & (abs(z) <= b)
    return x**2 + y**2 + (z - np.clip(z, -b, b)) ** 2 <= a**2


@pytest.mark.parametrize("kind", SOLIDS)
def test_one_part_has_the_inertia_that_mujoco_computes(kind):
    part = SOLIDS[kind]
    spec = mujoco.MjSpec()
    body = spec.worldbody.add_body()
    body.add_freejoint()
    geom = getattr(mujoco.mjtGeom, f"mjGEOM_{kind.upper()}")
    body.add_geom(type=geom, size=part.size, pos=part.pos, quat=part.quat, density=DENSITY)
    model = spec.compile()
    own = inertial(Shape(kind, (part,)))
    assert own.mass == pytest.approx(model.body_mass[1], rel=1e-9)
    np.testing.assert_allclose(own.pos, model.body_ipos[1], atol=1e-12)
    np.testing.assert_allclose(np.sort(own.inertia), np.sort(model.body_inertia[1]), rtol=1e-9)


def test_parts_that_only_touch_add_up_exactly():
    ell = Shape("ell", (box((0, -20, 0), (80, 20, 20)), box((0, -20, 20), (20, 20, 100))))
    own = inertial(ell)
    assert own.mass == pytest.approx(DENSITY * (0.08 * 0.04 * 0.02 + 0.02 * 0.04 * 0.08), rel=1e-12)
    np.testing.assert_allclose(own.pos, [0.025, 0, 0.035], atol=1e-12)


def test_a_part_inside_another_adds_nothing():
    ball = ellipsoid((0, 0, 0), (50, 50, 50))
    own = inertial(Shape("ball", (ball, rod((-20, 5, 0), (20, 0, 9), 15), ball)))
    mass = DENSITY * 4 / 3 * np.pi * 0.05**3
    assert own.mass == pytest.approx(mass, rel=5e-4)
    np.testing.assert_allclose(tensor(own), 0.4 * mass * 0.05**2 * np.eye(3), rtol=1e-3, atol=2e-7)


@pytest.mark.parametrize("name", ["teapot", "spot", "1m0lvpzs", "lucy", "pile"])
def test_union_agrees_with_random_points(name):
    training = {shape.name: shape for shape in objects.load("training").shapes}
    pile = Shape("pile", (*SOLIDS.values(), capsule((0, 0, 0), (40, 30, 50), 20)))
    shape = training.get(name, pile)
    low, high = shape.bounds
    points = np.random.default_rng(0).uniform(low, high, (1_000_000, 3))
    hit = np.any([inside(part, points) for part in shape.parts], axis=0)
    volume = np.prod(high - low) * hit.mean()
    noise = 4 * np.sqrt((1 - hit.mean()) / hit.sum())
    spread = np.cov(points[hit].T)
    expected = DENSITY * volume * (np.trace(spread) * np.eye(3) - spread)
    own = inertial(shape)
    assert own.mass == pytest.approx(DENSITY * volume, rel=noise)
    np.testing.assert_allclose(own.pos, points[hit].mean(axis=0), atol=noise * 0.1)
    np.testing.assert_allclose(tensor(own), expected, atol=3 * noise * np.trace(expected))
