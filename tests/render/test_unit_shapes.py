# type: ignore  (Warp compiles these functions; Python's types are not theirs)
"""Rays against single primitives, compared with MuJoCo C's."""

import mujoco
import numpy as np
import pytest
import warp as wp

from mjxdex.render import unit_shapes
from mjxdex.render.unit_shapes import MISS, ray_box, ray_capsule, ray_cylinder, ray_ellipsoid

NUM_RAYS = 4000
GEOM = mujoco.mjtGeom
SHAPES = {
    "box": (unit_shapes.BOX, GEOM.mjGEOM_BOX, (1, 1, 1), 0.0),
    "cylinder": (unit_shapes.CYLINDER, GEOM.mjGEOM_CYLINDER, (1, 1, 0), 0.0),
    "capsule": (unit_shapes.CAPSULE, GEOM.mjGEOM_CAPSULE, (1, 1.7, 0), 1.7),
    "ellipsoid": (unit_shapes.ELLIPSOID, GEOM.mjGEOM_ELLIPSOID, (1, 1, 1), 0.0),
}


@wp.kernel
def cast(
    kind: int, half: float, origin: wp.array[wp.vec3], direction: wp.array[wp.vec3], found: wp.array[float]
):
    i = wp.tid()
    if kind == unit_shapes.BOX:
        found[i] = ray_box(origin[i], direction[i])
    elif kind == unit_shapes.CYLINDER:
        found[i] = ray_cylinder(origin[i], direction[i])
    elif kind == unit_shapes.CAPSULE:
        found[i] = ray_capsule(origin[i], direction[i], half)
    else:
        found[i] = ray_ellipsoid(origin[i], direction[i])


def rays() -> tuple[np.ndarray, np.ndarray]:
    """Origins inside, near and 150 radii away, mostly towards the shape; every 10th along an axis."""
    random = np.random.default_rng(0)
    origin = random.normal(size=(NUM_RAYS, 3)) * random.choice([0.5, 3.0, 150.0], (NUM_RAYS, 1))
    direction = random.uniform(-2, 2, (NUM_RAYS, 3)) - origin * random.choice([1, 0, -1], (NUM_RAYS, 1))
    axis = random.integers(0, 3, NUM_RAYS // 10)
    direction[::10] = np.eye(3)[axis] * -np.sign(origin[::10])
    origin[::10] = np.where(np.eye(3)[axis] > 0, origin[::10], random.uniform(-1.2, 1.2, (len(axis), 3)))
    return origin.astype(np.float32), direction.astype(np.float32)


@pytest.mark.parametrize("name", SHAPES)
def test_parameters_are_mujocos_from_outside_and_inside(name):
    kind, geom, size, half = SHAPES[name]
    origin, direction = rays()
    found = wp.zeros(NUM_RAYS, dtype=float, device="cpu")
    arrays = [wp.array(a, dtype=wp.vec3, device="cpu") for a in (origin, direction)]
    wp.launch(cast, NUM_RAYS, [kind, half, *arrays], [found], device="cpu")
    where = (np.zeros(3), np.eye(3).ravel(), np.array(size, float))
    pairs = zip(origin.astype(float), direction.astype(float), strict=True)
    expected = np.array([mujoco.mju_rayGeom(*where, o, d, geom, None) for o, d in pairs])
    hit = expected >= 0
    assert 0.3 < hit.mean() < 0.9
    found = found.numpy()
    # A ray that grazes the surface may hit in one precision and miss in the other.
    assert ((found < MISS) != hit).mean() < 1e-3
    both = hit & (found < MISS)
    length = np.linalg.norm(direction, axis=1)
    error = np.abs(found - expected)[both] * length[both]
    distance = np.linalg.norm(origin, axis=1)[both]
    assert np.quantile(error / (1 + distance), 0.995) < 1e-6
