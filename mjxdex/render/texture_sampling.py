# type: ignore  (Warp compiles these functions; Python's types are not theirs)
"""Textures as the kernels read them: linear light, all sizes down to one pixel, four bytes a pixel.

A pixel holds the square roots of linear red, green and blue with 10 bits each, which is finer than sRGB and
cheap to decode. The sizes of a texture follow one another, the largest first.
"""

from functools import cache

import numpy as np
import warp as wp

from mjxdex.render.textures import SIZE, texture_bank

LEVELS = wp.constant(SIZE.bit_length())
_SIZE = wp.constant(SIZE)


@cache
def packed() -> np.ndarray:
    """The texture bank as uint32 [T, pixels of all sizes], read only; made once per process."""
    bank = texture_bank()
    srgb = np.arange(256) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)
    image = linear[bank]
    sizes = []
    while True:
        root = np.round(np.sqrt(image) * 1023).astype(np.uint32).reshape(len(bank), -1, 3)
        sizes.append(root[..., 0] | root[..., 1] << 10 | root[..., 2] << 20)
        size = image.shape[1] // 2
        if size == 0:
            pixels = np.concatenate(sizes, axis=1)
            pixels.flags.writeable = False
            return pixels
        image = image.reshape(len(bank), size, 2, size, 2, 3).mean(axis=(2, 4))


@wp.func
def _pixel(bank: wp.array2d[wp.uint32], texture: int, start: int, size: int, x: int, y: int) -> wp.vec3:
    word = int(bank[texture, start + (y & (size - 1)) * size + (x & (size - 1))])
    root = wp.vec3(float(word & 1023), float((word >> 10) & 1023), float((word >> 20) & 1023))
    return wp.cw_mul(root, root) / wp.static(1023.0 * 1023.0)


@wp.func
def _bilinear(bank: wp.array2d[wp.uint32], texture: int, level: int, at: wp.vec2) -> wp.vec3:
    size = _SIZE >> level
    start = 4 * (_SIZE * _SIZE - size * size) // 3
    x, y = at[0] * float(size) - 0.5, at[1] * float(size) - 0.5
    left, top = wp.floor(x), wp.floor(y)
    column, row = int(left), int(top)
    upper = wp.lerp(
        _pixel(bank, texture, start, size, column, row),
        _pixel(bank, texture, start, size, column + 1, row),
        x - left,
    )
    lower = wp.lerp(
        _pixel(bank, texture, start, size, column, row + 1),
        _pixel(bank, texture, start, size, column + 1, row + 1),
        x - left,
    )
    return wp.lerp(upper, lower, y - top)


@wp.func
def sample(bank: wp.array2d[wp.uint32], texture: int, at: wp.vec2, footprint: float) -> wp.vec3:
    """Linear RGB at a point of a texture that repeats for ever, trilinear.

    Args:
      at: column and row coordinate in repetitions of the texture.
      footprint: what an image's pixel covers, likewise.
    """
    level = wp.clamp(wp.log2(footprint * float(_SIZE) + 1e-9), 0.0, float(LEVELS - 1))
    fine = int(level)
    coarse = wp.min(fine + 1, LEVELS - 1)
    return wp.lerp(
        _bilinear(bank, texture, fine, at), _bilinear(bank, texture, coarse, at), level - float(fine)
    )
