# type: ignore  (Warp compiles these functions; Python's types are not theirs)
"""Depth of many small scenes, as three Warp kernels: place the primitives, cull them by tile, trace.

An image is split into tiles of pixels. For each tile a bit mask says which primitives may be seen in it, and
its rays test no others; most tiles see the table or nothing. All threads of a tile follow the same mask, so
they take the same branches. Rays have the direction (x, y, -1) in the camera's frame, so that their parameter
is the planar depth.
"""

import functools
from typing import NamedTuple

import warp as wp

from mjxdex.render.screen_bounds import NOWHERE, screen_bounds
from mjxdex.render.unit_shapes import MISS, ray_box, ray_capsule, ray_cylinder, ray_ellipsoid

NONE, BOX, CYLINDER, CAPSULE, ELLIPSOID = range(5)
"""Kinds of primitives; a sphere is an ellipsoid."""
WORD = 32
"""Primitives in a word of a mask."""


class Tile(NamedTuple):
    """How images are split.

    Attributes:
      width, height: pixels that share a mask.
      rows: pixels of a column that one thread traces; divides the height.
      block: threads per CUDA block.
    """

    width: int = 16
    height: int = 8
    rows: int = 4
    block: int = 128

    @property
    def threads(self) -> int:
        """Threads per tile."""
        return self.width * self.height // self.rows

    def count(self, width: int, height: int) -> int:
        """Tiles of an image; those at its right and lower edge may stick out."""
        return -(-width // self.width) * -(-height // self.height)


DEFAULT_TILE = Tile()


@wp.kernel(enable_backward=False, grid_stride=False)
def place(
    frames: wp.array3d[wp.vec3],
    camera_pos: wp.array[wp.vec3],
    camera_rot: wp.array[wp.mat33],
    shape_id: wp.array[int],
    frame_id: wp.array[int],
    kind: wp.array2d[int],
    local_pos: wp.array2d[wp.vec3],
    local_rot: wp.array2d[wp.mat33],
    size: wp.array2d[wp.vec3],
    primitives: wp.array2d[wp.mat44],
    bounds: wp.array2d[wp.vec4],
):
    """Puts primitive g of env n before its camera.

    Args:
      frames: [N, F, 4], x, y and z axis and origin of each frame in the world, metres.
      camera_pos, camera_rot: [N], as in `Cameras`.
      shape_id: [N], row of the tables below that the env uses.
      frame_id: [G], the frame each primitive is fixed to.
      kind, local_pos, local_rot, size: [K, G] tables; size as in MuJoCo, metres.
      primitives: out, [N, G]; in the first three rows the map from the camera's frame to that of the unit
        shape, in the last the smallest depth, the kind and half the length of a capsule over its radius.
      bounds: out, [N, G], see screen_bounds.
    """
    env, g = wp.tid()
    row, f = shape_id[env], frame_id[g]
    type, half = kind[row, g], size[row, g]
    if type == NONE:
        bounds[env, g] = NOWHERE
        return
    frame = wp.matrix_from_cols(frames[env, f, 0], frames[env, f, 1], frames[env, f, 2])
    to_camera = wp.transpose(camera_rot[env])
    rot = to_camera * (frame * local_rot[row, g])
    pos = to_camera * (frames[env, f, 3] - camera_pos[env] + frame * local_pos[row, g])

    scale, axes, sweep = wp.vec3(half), wp.vec3(half), float(0)
    if type == CYLINDER:
        scale = wp.vec3(half[0], half[0], half[1])
        axes, sweep = wp.vec3(half[0], half[0], 0.0), half[1]
    elif type == CAPSULE:
        scale = wp.vec3(half[0])
        axes, sweep = scale, half[1]
    seen, nearest = screen_bounds(pos, rot, type == BOX, axes, sweep)
    bounds[env, g] = seen

    to_unit = wp.mat44()
    for i in range(3):
        axis = wp.vec3(rot[0, i], rot[1, i], rot[2, i]) / scale[i]
        to_unit[i] = wp.vec4(axis[0], axis[1], axis[2], -wp.dot(axis, pos))
    to_unit[3] = wp.vec4(nearest, float(type), half[1] / half[0], 0.0)
    primitives[env, g] = to_unit


@wp.func_native("""
#if defined(__CUDA_ARCH__)
    return __ffs(bits) - 1;
#else
    return __builtin_ctz(bits);
#endif
""")
def _lowest_bit(bits: wp.uint32) -> int: ...


@functools.cache
def cull(tile: Tile) -> wp.Kernel:
    """The kernel that finds out which primitives each tile may see; launch it over [N, tiles].

    Its arguments: focal [N] (image widths), bounds [N, G], the image's width and height; out: masks
    [N, tiles, ceil(G / WORD)].
    """
    tile_width, tile_height = tile.width, tile.height

    @wp.kernel(module="unique", enable_backward=False, grid_stride=False)
    def cull_kernel(
        focal: wp.array[float],
        bounds: wp.array2d[wp.vec4],
        width: int,
        height: int,
        masks: wp.array3d[wp.uint32],
    ):
        env, t = wp.tid()
        columns = (width + wp.static(tile_width - 1)) // wp.static(tile_width)
        top, left = t // columns * wp.static(tile_height), t % columns * wp.static(tile_width)
        step = 1.0 / (focal[env] * float(width))
        x0 = (float(left) + 0.5 - 0.5 * float(width)) * step
        x1 = x0 + wp.static(float(tile_width - 1)) * step
        y1 = (0.5 * float(height) - 0.5 - float(top)) * step
        y0 = y1 - wp.static(float(tile_height - 1)) * step
        for word in range(masks.shape[2]):
            bits = wp.uint32(0)
            start = word * WORD
            for g in range(start, wp.min(start + WORD, bounds.shape[1])):
                b = bounds[env, g]
                if b[0] <= x1 and b[1] >= x0 and b[2] <= y1 and b[3] >= y0:
                    bits = bits | (wp.uint32(1) << wp.uint32(g - start))
            masks[env, t, word] = bits

    return cull_kernel


@functools.cache
def trace(tile: Tile) -> wp.Kernel:
    """The kernel that casts the rays; launch it over [N, tiles, tile.threads].

    Its arguments: focal [N] (image widths), primitives [N, G], masks [N, tiles, words]; out: planar depth
    [N, H, W], metres, 0 where nothing was hit.
    """
    tile_width, tile_height, rows = tile.width, tile.height, tile.rows

    @wp.kernel(module="unique", enable_backward=False, grid_stride=False)
    def trace_kernel(
        focal: wp.array[float],
        primitives: wp.array2d[wp.mat44],
        masks: wp.array3d[wp.uint32],
        depth: wp.array3d[float],
    ):
        env, t, thread = wp.tid()
        height, width = depth.shape[1], depth.shape[2]
        columns = (width + wp.static(tile_width - 1)) // wp.static(tile_width)
        top = t // columns * wp.static(tile_height) + thread // wp.static(tile_width) * wp.static(rows)
        column = t % columns * wp.static(tile_width) + thread % wp.static(tile_width)
        step = 1.0 / (focal[env] * float(width))
        x = (float(column) + 0.5 - 0.5 * float(width)) * step
        y = (0.5 * float(height) - 0.5 - float(top)) * step
        hit = wp.vector(MISS, length=wp.static(rows), dtype=float)
        for word in range(masks.shape[2]):
            bits = masks[env, t, word]
            while bits != wp.uint32(0):
                g = word * WORD + _lowest_bit(bits)
                bits = bits & (bits - wp.uint32(1))
                unit = primitives[env, g]
                if unit[3, 0] < wp.max(hit):
                    kind, half = int(unit[3, 1]), unit[3, 2]
                    origin = wp.vec3(unit[0, 3], unit[1, 3], unit[2, 3])
                    across = wp.vec3(
                        x * unit[0, 0] - unit[0, 2], x * unit[1, 0] - unit[1, 2], x * unit[2, 0] - unit[2, 2]
                    )
                    up = wp.vec3(unit[0, 1], unit[1, 1], unit[2, 1])
                    for i in range(wp.static(rows)):
                        direction = across + (y - float(i) * step) * up
                        if kind == BOX:
                            hit[i] = wp.min(hit[i], ray_box(origin, direction))
                        elif kind == CYLINDER:
                            hit[i] = wp.min(hit[i], ray_cylinder(origin, direction))
                        elif kind == CAPSULE:
                            hit[i] = wp.min(hit[i], ray_capsule(origin, direction, half))
                        else:
                            hit[i] = wp.min(hit[i], ray_ellipsoid(origin, direction))
        for i in range(wp.static(rows)):
            if column < width and top + i < height:
                depth[env, top + i, column] = wp.where(hit[i] < MISS, hit[i], 0.0)

    return trace_kernel
