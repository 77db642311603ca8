"""Euler angles of the commanded palm orientation."""

import jax
import jax.numpy as jnp


def euler_zyx_to_matrix(euler: jax.Array) -> jax.Array:
    """Rotation matrix [3, 3] = Rz(euler[0]) Ry(euler[1]) Rx(euler[2]), angles in rad."""
    cz, cy, cx = jnp.cos(euler)
    sz, sy, sx = jnp.sin(euler)
    x = jnp.stack((cz * cy, sz * cy, -sy))
    y = jnp.stack((cz * sy * sx - sz * cx, sz * sy * sx + cz * cx, cy * sx))
    z = jnp.stack((cz * sy * cx + sz * sx, sz * sy * cx - cz * sx, cy * cx))
    return jnp.stack((x, y, z), axis=-1)


def matrix_to_euler_zyx(matrix: jax.Array) -> jax.Array:
    """Angles [3] about z, y and x of a rotation matrix [3, 3], rad; inverse of `euler_zyx_to_matrix`."""
    about_z = jnp.arctan2(matrix[1, 0], matrix[0, 0])
    about_y = jnp.arcsin(jnp.clip(-matrix[2, 0], -1.0, 1.0))
    about_x = jnp.arctan2(matrix[2, 1], matrix[2, 2])
    return jnp.stack((about_z, about_y, about_x))
