"""Object sets as slots: one body whose geoms take another size, pose and inertia in every env.

MJX cannot give every env its own meshes or its own kind of geom, so all objects of a set share one body with
enough geoms ("slots") of each kind. An object fills the slots that it needs; the others shrink to a point.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np

from mjxdex.objects.inertia import inertial
from mjxdex.objects.shapes import PART_TYPES, Shape

GEOM_TYPES = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
    "ellipsoid": mujoco.mjtGeom.mjGEOM_ELLIPSOID,
}

UNUSED_SIZE = 1e-5
"""Half size of an unused slot, metres; it sits in the middle of the object's first part, out of sight."""
UNUSED_AABB_CENTER = 1e4
"""Where the broad phase looks for an unused slot, metres: so far away that it never collides."""


@dataclass(frozen=True)
class ObjectSet:
    """K objects, each as S slots of one free body.

    Attributes:
      name: name of the set.
      shapes: the K objects.
      slot_types: kind of each slot, of PART_TYPES.
      geom: per-object slot fields named as in mujoco.MjModel: geom_size [K, S, 3], geom_pos [K, S, 3],
        geom_quat [K, S, 4], geom_rbound [K, S], geom_aabb [K, S, 2, 3].
      body: per-object body fields: body_mass [K], body_subtreemass [K], body_inertia [K, 3],
        body_ipos [K, 3], body_iquat [K, 4], body_invweight0 [K, 2].
      dof_invweight0: [K, 6], of the free joint.
    """

    name: str
    shapes: tuple[Shape, ...]
    slot_types: tuple[str, ...]
    geom: dict[str, np.ndarray]
    body: dict[str, np.ndarray]
    dof_invweight0: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the K objects."""
        return tuple(shape.name for shape in self.shapes)

    @property
    def mass(self) -> np.ndarray:
        """Masses [K], kg."""
        return self.body["body_mass"]

    @property
    def bounds(self) -> np.ndarray:
        """Lowest and highest coordinates of each object in its own frame, [K, 2, 3], metres."""
        return np.stack([shape.bounds for shape in self.shapes])

    def __len__(self) -> int:
        return len(self.shapes)


def compile_set(name: str, shapes: tuple[Shape, ...]) -> ObjectSet:
    """Lays shapes out in slots; every number comes from MuJoCo's compiler, which sees each object alone.

    Raises:
      ValueError: if there are no shapes, or two of the same name.
    """
    if not shapes:
        raise ValueError(f"object set {name!r} is empty; give at least one shape")
    twice = [key for key, count in Counter(shape.name for shape in shapes).items() if count > 1]
    if twice:
        raise ValueError(f"object set {name!r} has two objects called {twice[0]!r}; give each its own name")
    counts = {kind: max(sum(p.type == kind for p in s.parts) for s in shapes) for kind in PART_TYPES}
    slot_types = tuple(kind for kind in PART_TYPES for _ in range(counts[kind]))
    rows = [_row(shape, slot_types) for shape in shapes]
    table = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    return ObjectSet(
        name=name,
        shapes=shapes,
        slot_types=slot_types,
        geom={key: value for key, value in table.items() if key.startswith("geom_")},
        body={key: value for key, value in table.items() if key.startswith("body_")},
        dof_invweight0=table["dof_invweight0"],
    )


def add_shape(body: mujoco.MjsBody, shape: Shape, geom: Callable[[int], dict] = lambda _: {}) -> None:
    """Gives `body` the inertia of `shape` and one geom per part; `geom(i)` gives further attributes."""
    own = inertial(shape)
    body.explicitinertial = True
    body.mass, body.ipos, body.iquat, body.inertia = own.mass, own.pos, own.quat, own.inertia
    for i, part in enumerate(shape.parts):
        body.add_geom(type=GEOM_TYPES[part.type], size=part.size, pos=part.pos, quat=part.quat, **geom(i))


def _row(shape: Shape, slot_types: tuple[str, ...]) -> dict[str, np.ndarray]:
    """All fields of one object, in slots."""
    spec = mujoco.MjSpec()
    body = spec.worldbody.add_body(name="object")
    body.add_freejoint()
    add_shape(body, shape)
    model = spec.compile()

    slots = len(slot_types)
    aabb_far = np.array([[UNUSED_AABB_CENTER] * 3, [UNUSED_SIZE] * 3])
    row = {
        "geom_size": np.full((slots, 3), UNUSED_SIZE),
        "geom_pos": np.tile(model.geom_pos[0], (slots, 1)),
        "geom_quat": np.tile([1.0, 0.0, 0.0, 0.0], (slots, 1)),
        "geom_rbound": np.full(slots, UNUSED_SIZE),
        "geom_aabb": np.tile(aabb_far, (slots, 1, 1)),
    }
    free = list(range(slots))
    for geom, part in enumerate(shape.parts):
        slot = next(s for s in free if slot_types[s] == part.type)
        free.remove(slot)
        row["geom_size"][slot] = model.geom_size[geom]
        row["geom_pos"][slot] = model.geom_pos[geom]
        row["geom_quat"][slot] = model.geom_quat[geom]
        row["geom_rbound"][slot] = model.geom_rbound[geom]
        row["geom_aabb"][slot] = model.geom_aabb[geom].reshape(2, 3)
    for name in ("mass", "subtreemass", "inertia", "ipos", "iquat", "invweight0"):
        key = f"body_{name}"
        row[key] = np.array(getattr(model, key)[1])
    row["dof_invweight0"] = np.array(model.dof_invweight0)
    return row
