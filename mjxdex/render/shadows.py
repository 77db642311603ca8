# type: ignore  (Warp compiles these functions; Python's types are not theirs)
"""Shadows of one far light per env, as Warp kernels and functions.

Seen from the light, the scene lies in a rectangle, which is split into cells. As with the tiles of an image,
a bit mask says which primitives may be in a cell; a point is in shadow if a ray towards the light meets one
of those in its own cell. The light's view has two axes across its direction, `light_axes`, and the
world's origin, metres.
"""

import warp as wp

from mjxdex.render.screen_bounds import NOWHERE
from mjxdex.render.tiles import WORD, lowest_bit, overlapping, swept
from mjxdex.render.unit_shapes import BOX, MISS, NONE, ray_shape

CELLS = 16
"""Cells along each side of the rectangle. The scene is some 1.5 m wide, so a cell is as wide as the palm."""
_MARGIN = wp.constant(1e-4)
"""Metres on all sides of a primitive's bounds; against rounding errors."""
_OFFSET = wp.constant(1e-4)
"""Metres above its surface from which a shadow ray starts: parts that touch do not shade each other."""


@wp.func
def light_axes(light_dir: wp.vec3) -> wp.mat33:
    """Rows: two unit vectors across a unit vector, and itself.

    Source: Duff et al., Building an orthonormal basis, revisited, JCGT 2017.
    """
    sign = wp.where(light_dir[2] >= 0.0, 1.0, -1.0)
    a = -1.0 / (sign + light_dir[2])
    b = light_dir[0] * light_dir[1] * a
    return wp.matrix_from_rows(
        wp.vec3(1.0 + sign * light_dir[0] * light_dir[0] * a, sign * b, -sign * light_dir[0]),
        wp.vec3(b, sign + light_dir[1] * light_dir[1] * a, -light_dir[1]),
        light_dir,
    )


@wp.kernel(enable_backward=False, grid_stride=False)
def light_bounds(
    frames: wp.array3d[wp.vec3],
    light_dir: wp.array[wp.vec3],
    shape_id: wp.array[int],
    frame_id: wp.array[int],
    kind: wp.array2d[int],
    local_pos: wp.array2d[wp.vec3],
    local_rot: wp.array2d[wp.mat33],
    size: wp.array2d[wp.vec3],
    bounds: wp.array2d[wp.vec4],
):
    """Rectangle around primitive g of env n in the light's view; launch it over [N, G].

    Args:
      light_dir: [N], towards the light, unit vectors.
      bounds: out, [N, G], from and to along the first axis, then the second; NOWHERE for unused slots.
      Others as in `tiles.place`.
    """
    env, g = wp.tid()
    row, f = shape_id[env], frame_id[g]
    type = kind[row, g]
    if type == NONE:
        bounds[env, g] = NOWHERE
        return
    frame = wp.matrix_from_cols(frames[env, f, 0], frames[env, f, 1], frames[env, f, 2])
    view = light_axes(light_dir[env])
    pos = view * (frames[env, f, 3] + frame * local_pos[row, g])
    rot = view * (frame * local_rot[row, g])
    axes, sweep = swept(type, size[row, g])
    found = wp.vec4()
    for i in range(2):
        across = wp.cw_mul(rot[i], axes)
        reach = wp.length(across) + sweep * wp.abs(rot[i, 2])
        if type == BOX:
            reach = wp.abs(across[0]) + wp.abs(across[1]) + wp.abs(across[2])
        found[2 * i] = pos[i] - reach - _MARGIN
        found[2 * i + 1] = pos[i] + reach + _MARGIN
    bounds[env, g] = found


@wp.kernel(enable_backward=False, grid_stride=False)
def light_cull(bounds: wp.array2d[wp.vec4], area: wp.array[wp.vec4], masks: wp.array3d[wp.uint32]):
    """Which primitives may be in each cell of the light's view; launch it over [N, CELLS^2].

    Args:
      bounds: [N, G], from `light_bounds`.
      area: [N], the rectangle around all of them, and none of them NOWHERE.
      masks: out, [N, CELLS^2, words].
    """
    env, cell = wp.tid()
    a = area[env]
    width, height = (a[1] - a[0]) / wp.static(float(CELLS)), (a[3] - a[2]) / wp.static(float(CELLS))
    x, y = a[0] + float(cell % CELLS) * width, a[2] + float(cell // CELLS) * height
    for word in range(masks.shape[2]):
        masks[env, cell, word] = overlapping(
            bounds, env, word, x - _MARGIN, x + width + _MARGIN, y - _MARGIN, y + height + _MARGIN
        )


@wp.func
def in_shadow(
    primitives: wp.array2d[wp.mat44],
    masks: wp.array3d[wp.uint32],
    area: wp.vec4,
    image: int,
    env: int,
    own: int,
    point_light: wp.vec3,
    point: wp.vec3,
    normal: wp.vec3,
    light_dir: wp.vec3,
) -> bool:
    """Whether a lit side of primitive `own` is in the shadow of another one; it is convex, so not of itself.

    Args:
      primitives: [M, G], see `tiles.place`.
      masks: [N, CELLS^2, words], see `light_cull`.
      area: the env's own.
      point_light: the point in the light's view, metres.
      point, normal, light_dir: in the camera's frame, metres.
    """
    x = int((point_light[0] - area[0]) / (area[1] - area[0]) * wp.static(float(CELLS)))
    y = int((point_light[1] - area[2]) / (area[3] - area[2]) * wp.static(float(CELLS)))
    cell = wp.clamp(y, 0, CELLS - 1) * CELLS + wp.clamp(x, 0, CELLS - 1)
    start = point + _OFFSET * normal
    for word in range(masks.shape[2]):
        bits = masks[env, cell, word]
        while bits != wp.uint32(0):
            g = word * WORD + lowest_bit(bits)
            bits = bits & (bits - wp.uint32(1))
            if g != own:
                unit = primitives[image, g]
                origin = wp.vec3(unit[0, 3], unit[1, 3], unit[2, 3])
                direction = wp.vec3()
                for i in range(3):
                    row = wp.vec3(unit[i, 0], unit[i, 1], unit[i, 2])
                    origin[i] = origin[i] + wp.dot(row, start)
                    direction[i] = wp.dot(row, light_dir)
                if ray_shape(int(unit[3, 1]), origin, direction, unit[3, 2]) < MISS:
                    return True
    return False
