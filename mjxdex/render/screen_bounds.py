# type: ignore  (Warp compiles these functions; Python's types are not theirs)
"""Where on the screen a primitive can be, as Warp functions.

Screen coordinates are tangents: right / depth and up / depth. Bounds are the exact rectangle around a
primitive's silhouette, and a margin. (Octagons would leave 5 to 8 % fewer primitives per tile.)
"""

import warp as wp

_FAR = wp.constant(1e9)
NOWHERE = wp.constant(wp.vec4(_FAR, -_FAR, _FAR, -_FAR))
"""Bounds of what is not to be seen."""
_NEAREST = wp.constant(0.01)
"""Primitives that come nearer to the camera's plane than this (metres) are looked for in every pixel."""
_MARGIN = wp.constant(1e-4)
"""Added on all sides; a pixel of a 160 wide image is 5.6e-3. Rounding errors are below 1e-5."""


@wp.func
def _round_interval(centre: float, depth: float, across: wp.vec3, along: wp.vec3) -> wp.vec2:
    """Screen interval of an ellipsoid, or of a disc, wholly in front of the camera.

    Args:
      centre, depth: where its centre is along a screen axis and along the optical axis, metres.
      across, along: components of its three half axes along these two, metres.
    """
    # Points are centre + across . xi over depth + along . xi with |xi| <= 1. Relative to the centre's `q`,
    # the extremes are the roots d of |across - q along - d along| = |d| depth.
    q = centre / depth
    w = across - q * along
    a = depth * depth - wp.dot(along, along)
    b = wp.dot(w, along)
    root = wp.sqrt(b * b + a * wp.dot(w, w))
    return wp.vec2(q + (-b - root) / a, q + (-b + root) / a)


@wp.func
def _box_interval(centre: float, depth: float, across: wp.vec3, along: wp.vec3) -> wp.vec2:
    """Screen interval of a box wholly in front of the camera; arguments as in _round_interval."""
    low, high = float(_FAR), float(-_FAR)
    for i in range(8):
        sign = wp.vec3(1.0 - 2.0 * float(i & 1), 1.0 - float(i & 2), 1.0 - 0.5 * float(i & 4))
        q = (centre + wp.dot(across, sign)) / (depth + wp.dot(along, sign))
        low, high = wp.min(low, q), wp.max(high, q)
    return wp.vec2(low, high)


@wp.func
def screen_bounds(
    pos: wp.vec3, rot: wp.mat33, is_box: bool, half_axes: wp.vec3, sweep: float
) -> tuple[wp.vec4, float]:
    """Left, right, lower and upper screen coordinate, and the smallest depth, metres; NOWHERE if nothing is
    in front of the camera, the whole screen if something is too near to its plane to be bounded.

    Args:
      pos, rot: pose in the camera's frame (x right, y up, z backwards).
      is_box: a box of these half axes, else an ellipsoid or disc that is swept along z.
      half_axes: metres.
      sweep: half length of the way along z, metres.
    """
    along = wp.cw_mul(-rot[2], half_axes)
    depth, deeper = -pos[2], -sweep * rot[2, 2]
    reach = wp.length(along) + wp.abs(deeper)
    if is_box:
        reach = wp.abs(along[0]) + wp.abs(along[1]) + wp.abs(along[2])
    nearest = depth - reach
    bounds = NOWHERE
    if depth + reach <= 0.0:
        return bounds, nearest
    if nearest < _NEAREST:
        return -bounds, nearest
    for i in range(2):
        across = wp.cw_mul(rot[i], half_axes)
        if is_box:
            only = _box_interval(pos[i], depth, across, along)
            bounds[2 * i] = only[0] - _MARGIN
            bounds[2 * i + 1] = only[1] + _MARGIN
        else:
            shift = sweep * rot[i, 2]
            one = _round_interval(pos[i] - shift, depth - deeper, across, along)
            other = _round_interval(pos[i] + shift, depth + deeper, across, along)
            bounds[2 * i] = wp.min(one[0], other[0]) - _MARGIN
            bounds[2 * i + 1] = wp.max(one[1], other[1]) + _MARGIN
    return bounds, nearest
