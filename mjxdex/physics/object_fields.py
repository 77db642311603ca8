"""The model fields that differ from env to env because every env holds another object."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from mujoco import mjx

from mjxdex import scene
from mjxdex.objects import ObjectSet


class ObjectFields(NamedTuple):
    """Tables of the fields of `mjx.Model` that follow the object.

    Attributes:
      tables: for each field the values of all K objects, float32 [K, ...], shaped like the field itself.
    """

    tables: dict[str, np.ndarray]

    def of(self, object_id: jax.Array) -> dict[str, jax.Array]:
        """The fields with object `object_id` (int32 []) in the model."""
        return {key: jnp.asarray(table)[object_id] for key, table in self.tables.items()}

    def replace(self, model: mjx.Model, object_id: jax.Array) -> mjx.Model:
        """Puts object `object_id` (int32 []) into the model of one env."""
        return model.replace(**self.of(object_id))


def object_fields(model: mujoco.MjModel, objects: ObjectSet) -> ObjectFields:
    """Tabulates all model fields that depend on the object: sizes and poses of its slots, mass, inertia, the
    bounds that the broad phase uses, and the inverse weights that scale its contacts."""
    body = model.body(scene.OBJECT).id
    geoms = [model.geom(f"{scene.OBJECT}_{i}").id for i in range(len(objects.slot_types))]
    dofs = model.body(scene.OBJECT).dofadr[0] + np.arange(6)
    rows = {key: (geoms, value) for key, value in objects.geom.items()}
    rows |= {key: ([body], value[:, None]) for key, value in objects.body.items()}
    rows["dof_invweight0"] = (list(dofs), objects.dof_invweight0)
    return ObjectFields({key: _table(getattr(model, key), *row) for key, row in rows.items()})


def _table(base: np.ndarray, index: list[int], values: np.ndarray) -> np.ndarray:
    """Repeats a model field for K objects and overwrites the object's own rows."""
    base = base.reshape(len(base), *values.shape[2:])
    table = np.repeat(base[None], len(values), axis=0)
    table[:, index] = values
    return table.astype(np.float32)
