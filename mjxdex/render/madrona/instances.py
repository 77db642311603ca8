"""The scene's primitives as instances of meshes."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.spatial.transform import Rotation

from mjxdex.render import unit_shapes
from mjxdex.render.madrona import meshes
from mjxdex.render.primitives import Primitives


class Instances:
    """The meshes that Madrona draws for the scene's primitives: one each, three for a capsule whose size
    depends on the object.

    Attributes:
      arrays: host arrays by their name in `library.Scene`; they must live as long as Madrona reads them.
      primitive: int32 [I], the primitive each instance belongs to.
    """

    def __init__(self, primitives: Primitives) -> None:
        kind, size = primitives.kind, primitives.size
        found: list[meshes.Mesh] = [meshes.box(), meshes.cylinder(), meshes.sphere()]
        mesh, primitive, offset, scale = [], [], [], []

        def add(index: int, shape: int, sizes: np.ndarray, along: np.ndarray | float = 0.0) -> None:
            unused = kind[:, index] == unit_shapes.NONE
            mesh.append(shape)
            primitive.append(index)
            scale.append(np.where(unused[:, None], 0.0, sizes))
            offset.append(np.where(unused, 0.0, along))

        for i in range(kind.shape[1]):
            shape = kind[kind[:, i] != unit_shapes.NONE, i]
            shape = shape[0] if len(shape) else unit_shapes.BOX
            radius, half = size[:, i, 0], size[:, i, 1]
            if shape == unit_shapes.BOX:
                add(i, 0, size[:, i])
            elif shape == unit_shapes.CYLINDER:
                add(i, 1, np.stack([radius, radius, half], axis=1))
            elif shape == unit_shapes.ELLIPSOID:
                add(i, 2, size[:, i])
            elif np.ptp(radius) == 0 and np.ptp(half) == 0:
                found.append(meshes.capsule(radius[0], half[0]))
                add(i, len(found) - 1, np.ones_like(size[:, i]))
            else:
                add(i, 1, np.stack([radius, radius, half], axis=1))
                for end in (-half, half):
                    add(i, 2, np.stack([radius] * 3, axis=1), end)
        self.primitive = np.array(primitive, np.int32)
        self._frame_id = primitives.frame_id[self.primitive]
        self._rot = primitives.rot[:, self.primitive]
        shift = np.stack(offset, axis=1)[..., None] * self._rot[..., 2]
        self._pos = (primitives.pos[:, self.primitive] + shift).astype(np.float32)
        self._size = np.stack(scale, axis=1).astype(np.float32)
        counts = np.array([[len(m.vertices), len(m.triangles)] for m in found])
        offsets = np.concatenate([np.zeros((1, 2), int), np.cumsum(counts, axis=0)[:-1]]).astype(np.int32)
        self.arrays = {
            "vertices": np.concatenate([m.vertices for m in found]),
            "triangles": np.concatenate([m.triangles for m in found]),
            "vertex_offsets": np.ascontiguousarray(offsets[:, 0]),
            "triangle_offsets": np.ascontiguousarray(offsets[:, 1]),
            "mesh_of_geom": np.array(mesh, np.int32),
            "sizes": np.ascontiguousarray(self._size[0]),
        }

    def poses(self, frames: jax.Array, object_id: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """World position [N, I, 3], quaternion wxyz [N, I, 4] and size [N, I, 3] of all instances.

        Args:
          frames: float32 [N, F, 4, 3], as in `primitives.frames`.
          object_id: int32 [N].
        """
        own = frames[:, self._frame_id]
        axes = jnp.swapaxes(own[..., :3, :], -1, -2)
        local = jnp.asarray(self._pos)[object_id]
        pos = own[..., 3, :] + jnp.einsum("nijk,nik->nij", axes, local, precision="highest")
        rot = jnp.einsum("nijk,nikl->nijl", axes, jnp.asarray(self._rot)[object_id], precision="highest")
        return pos, quaternions(rot), jnp.asarray(self._size)[object_id]


def quaternions(rot: jax.Array) -> jax.Array:
    """wxyz [..., 4] of rotation matrices [..., 3, 3]."""
    last = Rotation.from_matrix(rot.reshape(-1, 3, 3)).as_quat()
    return jnp.roll(last, 1, axis=-1).reshape(*rot.shape[:-2], 4)
