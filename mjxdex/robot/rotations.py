"""Euler angles of the commanded palm orientation."""

from __future__ import annotations

from mjxdex.arrays import Array, namespace


def euler_zyx_to_matrix(euler: Array) -> Array:
    """Rotation matrix [3, 3] = Rz(euler[0]) Ry(euler[1]) Rx(euler[2]), angles in rad."""
    xp = namespace(euler)
    cz, cy, cx = xp.cos(euler)
    sz, sy, sx = xp.sin(euler)
    x = xp.stack((cz * cy, sz * cy, -sy))
    y = xp.stack((cz * sy * sx - sz * cx, sz * sy * sx + cz * cx, cy * sx))
    z = xp.stack((cz * sy * cx + sz * sx, sz * sy * cx - cz * sx, cy * cx))
    return xp.stack((x, y, z), axis=-1)


def matrix_to_euler_zyx(matrix: Array) -> Array:
    """Angles [3] about z, y and x of a rotation matrix [3, 3], rad; inverse of `euler_zyx_to_matrix`."""
    xp = namespace(matrix)
    about_z = xp.arctan2(matrix[1, 0], matrix[0, 0])
    about_y = xp.arcsin(xp.clip(-matrix[2, 0], -1.0, 1.0))
    about_x = xp.arctan2(matrix[2, 1], matrix[2, 2])
    return xp.stack((about_z, about_y, about_x))
