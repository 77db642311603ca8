# type: ignore  (Warp compiles these functions; Python's types are not theirs)
"""What many small images see, as three Warp kernels: place the primitives, cull them by tile, trace.

An image is split into tiles of pixels. For each tile a bit mask says which primitives may be seen in it, and
its rays test no others; most tiles see the table or nothing. All threads of a tile follow the same mask, so
they take the same branches. Rays have the direction (x, y, -1) in the camera's frame, so that their parameter
is the planar depth.
"""

import functools
from typing import NamedTuple

import warp as wp

from mjxdex.render.screen_bounds import NOWHERE, screen_bounds
from mjxdex.render.unit_shapes import (
    BOX,
    CAPSULE,
    CYLINDER,
    MISS,
    NONE,
    ray_box,
    ray_capsule,
    ray_cylinder,
    ray_ellipsoid,
)

WORD = 32
"""Primitives in a word of a mask."""
NOTHING = -1
"""The primitive that a ray hits where there is none."""


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


def words(count: int) -> int:
    """Words of a mask of `count` primitives."""
    return -(-count // WORD)


@wp.func
def swept(kind: int, half: wp.vec3) -> tuple[wp.vec3, float]:
    """A primitive of MuJoCo's size `half` as a box, ellipsoid or disc of these half axes that is swept this
    far up and down its z axis, metres."""
    axes, sweep = wp.vec3(half), float(0)
    if kind == CYLINDER:
        axes, sweep = wp.vec3(half[0], half[0], 0.0), half[1]
    elif kind == CAPSULE:
        axes, sweep = wp.vec3(half[0]), half[1]
    return axes, sweep


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
    views: int,
    primitives: wp.array2d[wp.mat44],
    bounds: wp.array2d[wp.vec4],
):
    """Puts primitive g of an env before one of its V cameras; M = N V images, those of an env together.

    Args:
      frames: [N, F, 4], x, y and z axis and origin of each frame in the world, metres.
      camera_pos, camera_rot: [M], as in `Cameras`.
      shape_id: [N], row of the tables below that the env uses.
      frame_id: [G], the frame each primitive is fixed to.
      kind, local_pos, local_rot, size: [K, G] tables; size as in MuJoCo, metres.
      views: V.
      primitives: out, [M, G]; in the first three rows the map from the camera's frame to that of the unit
        shape, in the last the smallest depth, the kind and half the length of a capsule over its radius.
      bounds: out, [M, G], see screen_bounds.
    """
    image, g = wp.tid()
    env = image // views
    row, f = shape_id[env], frame_id[g]
    type, half = kind[row, g], size[row, g]
    if type == NONE:
        bounds[image, g] = NOWHERE
        return
    frame = wp.matrix_from_cols(frames[env, f, 0], frames[env, f, 1], frames[env, f, 2])
    to_camera = wp.transpose(camera_rot[image])
    rot = to_camera * (frame * local_rot[row, g])
    pos = to_camera * (frames[env, f, 3] - camera_pos[image] + frame * local_pos[row, g])

    scale = wp.vec3(half)
    if type == CYLINDER:
        scale = wp.vec3(half[0], half[0], half[1])
    elif type == CAPSULE:
        scale = wp.vec3(half[0])
    axes, sweep = swept(type, half)
    seen, nearest = screen_bounds(pos, rot, type == BOX, axes, sweep)
    bounds[image, g] = seen

    to_unit = wp.mat44()
    for i in range(3):
        axis = wp.vec3(rot[0, i], rot[1, i], rot[2, i]) / scale[i]
        to_unit[i] = wp.vec4(axis[0], axis[1], axis[2], -wp.dot(axis, pos))
    to_unit[3] = wp.vec4(nearest, float(type), half[1] / half[0], 0.0)
    primitives[image, g] = to_unit


@wp.func_native("""
#if defined(__CUDA_ARCH__)
    return __ffs(bits) - 1;
#else
    return __builtin_ctz(bits);
#endif
""")
def lowest_bit(bits: wp.uint32) -> int: ...


@wp.func
def overlapping(
    bounds: wp.array2d[wp.vec4], i: int, word: int, x0: float, x1: float, y0: float, y1: float
) -> wp.uint32:
    """A word of the mask of those primitives of row i whose bounds meet a rectangle."""
    bits = wp.uint32(0)
    start = word * WORD
    for g in range(start, wp.min(start + WORD, bounds.shape[1])):
        b = bounds[i, g]
        if b[0] <= x1 and b[1] >= x0 and b[2] <= y1 and b[3] >= y0:
            bits = bits | (wp.uint32(1) << wp.uint32(g - start))
    return bits


@functools.cache
def cull(tile: Tile) -> wp.Kernel:
    """The kernel that finds out which primitives each tile may see; launch it over [M, tiles].

    Its arguments: focal [M] (image widths), bounds [M, G], the image's width and height; out: masks
    [M, tiles, ceil(G / WORD)].
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
        image, t = wp.tid()
        columns = (width + wp.static(tile_width - 1)) // wp.static(tile_width)
        top, left = t // columns * wp.static(tile_height), t % columns * wp.static(tile_width)
        step = 1.0 / (focal[image] * float(width))
        x0 = (float(left) + 0.5 - 0.5 * float(width)) * step
        x1 = x0 + wp.static(float(tile_width - 1)) * step
        y1 = (0.5 * float(height) - 0.5 - float(top)) * step
        y0 = y1 - wp.static(float(tile_height - 1)) * step
        for word in range(masks.shape[2]):
            masks[image, t, word] = overlapping(bounds, image, word, x0, x1, y0, y1)

    return cull_kernel


@functools.cache
def _first_hits(tile: Tile, identify: bool) -> wp.Function:
    """The function that casts the rays of a thread, see `trace`: where and what they hit first.

    It returns the thread's column and uppermost row, and for its pixels the planar depth or MISS, and, if it
    is to identify them, the primitive or NOTHING.
    """
    tile_width, tile_height, rows = tile.width, tile.height, tile.rows

    @wp.func
    def first_hits(
        focal: wp.array[float],
        primitives: wp.array2d[wp.mat44],
        masks: wp.array3d[wp.uint32],
        width: int,
        height: int,
        image: int,
        t: int,
        thread: int,
    ):
        columns = (width + wp.static(tile_width - 1)) // wp.static(tile_width)
        top = t // columns * wp.static(tile_height) + thread // wp.static(tile_width) * wp.static(rows)
        column = t % columns * wp.static(tile_width) + thread % wp.static(tile_width)
        step = 1.0 / (focal[image] * float(width))
        x = (float(column) + 0.5 - 0.5 * float(width)) * step
        y = (0.5 * float(height) - 0.5 - float(top)) * step
        hit = wp.vector(MISS, length=wp.static(rows), dtype=float)
        which = wp.vector(NOTHING, length=wp.static(rows), dtype=int)
        for word in range(masks.shape[2]):
            bits = masks[image, t, word]
            while bits != wp.uint32(0):
                g = word * WORD + lowest_bit(bits)
                bits = bits & (bits - wp.uint32(1))
                unit = primitives[image, g]
                if unit[3, 0] < wp.max(hit):
                    kind, half = int(unit[3, 1]), unit[3, 2]
                    origin = wp.vec3(unit[0, 3], unit[1, 3], unit[2, 3])
                    across = wp.vec3(
                        x * unit[0, 0] - unit[0, 2], x * unit[1, 0] - unit[1, 2], x * unit[2, 0] - unit[2, 2]
                    )
                    up = wp.vec3(unit[0, 1], unit[1, 1], unit[2, 1])
                    for i in range(wp.static(rows)):
                        direction = across + (y - float(i) * step) * up
                        met = float(MISS)
                        # Not ray_shape: a call of it is not inlined, which costs 7 % of a depth image (CPU).
                        if kind == BOX:
                            met = ray_box(origin, direction)
                        elif kind == CYLINDER:
                            met = ray_cylinder(origin, direction)
                        elif kind == CAPSULE:
                            met = ray_capsule(origin, direction, half)
                        else:
                            met = ray_ellipsoid(origin, direction)
                        if wp.static(identify):
                            which[i] = wp.where(met < hit[i], g, which[i])
                        hit[i] = wp.min(hit[i], met)
        return column, top, hit, which

    return first_hits


@functools.cache
def trace(tile: Tile) -> wp.Kernel:
    """The kernel that casts the rays for depth; launch it over [M, tiles, tile.threads].

    Its arguments: focal [M] (image widths), primitives [M, G], masks [M, tiles, words]; out: planar depth
    [M, H, W], metres, 0 where nothing was hit.
    """
    rows, first_hits = tile.rows, _first_hits(tile, identify=False)

    @wp.kernel(module="unique", enable_backward=False, grid_stride=False)
    def trace_kernel(
        focal: wp.array[float],
        primitives: wp.array2d[wp.mat44],
        masks: wp.array3d[wp.uint32],
        depth: wp.array3d[float],
    ):
        image, t, thread = wp.tid()
        height, width = depth.shape[1], depth.shape[2]
        column, top, hit, _ = first_hits(focal, primitives, masks, width, height, image, t, thread)
        for i in range(wp.static(rows)):
            if column < width and top + i < height:
                depth[image, top + i, column] = wp.where(hit[i] < MISS, hit[i], 0.0)

    return trace_kernel


@functools.cache
def identify(tile: Tile) -> wp.Kernel:
    """The kernel that casts the rays for what they hit; launch it over [M, tiles, tile.threads].

    Its arguments: focal [M] (image widths), primitives [M, G], masks [M, tiles, words]; out: the primitive
    int16 [M, H, W], or NOTHING.
    """
    rows, first_hits = tile.rows, _first_hits(tile, identify=True)

    @wp.kernel(module="unique", enable_backward=False, grid_stride=False)
    def identify_kernel(
        focal: wp.array[float],
        primitives: wp.array2d[wp.mat44],
        masks: wp.array3d[wp.uint32],
        primitive: wp.array3d[wp.int16],
    ):
        image, t, thread = wp.tid()
        height, width = primitive.shape[1], primitive.shape[2]
        column, top, _, which = first_hits(focal, primitives, masks, width, height, image, t, thread)
        for i in range(wp.static(rows)):
            if column < width and top + i < height:
                primitive[image, top + i, column] = wp.int16(which[i])

    return identify_kernel
