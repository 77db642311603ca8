# type: ignore  (Warp compiles these functions; Python's types are not theirs)
"""Normals and texture coordinates on the surfaces of primitives, as Warp functions.

Points are given on the unit shape, see `unit_shapes`; `scale` makes them metres in the geom's frame.
"""

import warp as wp

from mjxdex.render.unit_shapes import BOX, CAPSULE, CYLINDER, ELLIPSOID


@wp.func
def _largest(v: wp.vec3) -> int:
    """Axis of the component that is largest in size."""
    x, y, z = wp.abs(v[0]), wp.abs(v[1]), wp.abs(v[2])
    return wp.where(x >= y and x >= z, 0, wp.where(y >= z, 1, 2))


@wp.func
def unit_normal(kind: int, point: wp.vec3, half: float) -> wp.vec3:
    """Outward normal of the unit shape, not normalized.

    The normal of the scaled shape is the transpose of the map to the unit shape times this.
    """
    normal = wp.vec3(point)
    if kind == BOX:
        axis = _largest(point)
        normal = wp.vec3(0.0)
        normal[axis] = wp.sign(point[axis])
    elif kind == CYLINDER:
        if point[2] * point[2] > point[0] * point[0] + point[1] * point[1]:
            normal = wp.vec3(0.0, 0.0, wp.sign(point[2]))
        else:
            normal = wp.vec3(point[0], point[1], 0.0)
    elif kind == CAPSULE:
        normal[2] = point[2] - wp.clamp(point[2], -half, half)
    return normal


@wp.func
def texture_coordinates(kind: int, point: wp.vec3, normal: wp.vec3, scale: wp.vec3, half: float) -> wp.vec2:
    """Where a point is on the surface laid out flat, metres.

    The sides of cylinders and capsules are unrolled, the latter's round ends along their meridians. All else
    is seen along the axis of the geom that is nearest to the normal: nothing is stretched by more than
    sqrt(3).

    Args:
      normal: from `unit_normal`.
      scale: metres per unit along each axis.
    """
    metres = wp.cw_mul(point, scale)
    if kind == CAPSULE or (kind == CYLINDER and normal[2] == 0.0):
        end = wp.clamp(normal[2], -1.0, 1.0)
        along = metres[2]
        if kind == CAPSULE:
            along = (point[2] - end + wp.asin(end)) * scale[2]
        return wp.vec2(wp.atan2(point[1], point[0]) * scale[0], along)
    facing = wp.vec3(normal)
    if kind == ELLIPSOID:
        facing = wp.cw_div(normal, scale)
    axis = _largest(facing)
    if axis == 0:
        return wp.vec2(metres[1], metres[2])
    if axis == 1:
        return wp.vec2(metres[0], metres[2])
    return wp.vec2(metres[0], metres[1])
