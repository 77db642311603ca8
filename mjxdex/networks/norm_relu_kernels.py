"""The GPU kernels of `norm_relu`: one program an image, read twice, the second time from the cache."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

_WARPS = 8
"""Warps that work on an image; with _VALUES the best of what was measured on an H100."""
_VALUES = 4096
"""Values that they work on at a time."""
_INTERPRET = False
"""Run without a GPU, for tests."""


def fit(x: jax.Array) -> bool:
    """Whether the kernels are to be used for x [N, H, W, C]: on a GPU, for bfloat16 and C a power of 2."""
    channels = x.shape[-1]
    return jax.default_backend() == "gpu" and x.dtype == jnp.bfloat16 and channels & (channels - 1) == 0


def forward(
    x: jax.Array,
    shift: jax.Array,
    scale: jax.Array,
    bias: jax.Array,
    *,
    epsilon: float,
    block: int,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """ReLU of the normalized x + shift.

    Args:
      x: [N, H, W, C], normalized over H, W and C.
      shift, scale, bias: float32 [C].
      epsilon: Added to the variance.
      block: Pixels a side of the result's blocks.

    Returns:
      The result, [N, H / block, W / block, block block C] of the type of x, as `convolution.in_blocks` would
      rearrange it; mean and 1 / deviation of x + shift, float32 [N].
    """
    images, rows, columns, channels = x.shape
    height, width = rows // block, columns // block
    number = jax.ShapeDtypeStruct((images,), jnp.float32)
    y = jax.ShapeDtypeStruct((images, height * width * block**2, channels), x.dtype)
    kernel = functools.partial(_forward_kernel, tiles=_Tiles(x.shape, block), epsilon=epsilon)
    vectors = (vector[None] for vector in (shift, scale, bias))
    y, *statistics = _call(kernel, (_flat(x), *vectors), (y, number, number))
    return y.reshape(images, height, width, -1), *statistics


def backward(
    x: jax.Array,
    dy: jax.Array,
    shift: jax.Array,
    scale: jax.Array,
    bias: jax.Array,
    mean: jax.Array,
    inverse: jax.Array,
    *,
    block: int,
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Gradient of x, and the sums over H and W of dz, dz x̂ and x̂, float32 [N, C], that `norm_relu` needs."""
    images, rows, columns, channels = x.shape
    sums = jax.ShapeDtypeStruct((images, channels), jnp.float32)
    dx = jax.ShapeDtypeStruct((images, rows * columns, channels), x.dtype)
    kernel = functools.partial(_backward_kernel, tiles=_Tiles(x.shape, block))
    dy = dy.reshape(images, -1, channels)
    vectors = (vector[None] for vector in (shift, scale, bias))
    dx, *sums = _call(kernel, (_flat(x), dy, *vectors, mean, inverse), (dx, sums, sums, sums))
    return dx.reshape(x.shape), *sums


def _flat(x: jax.Array) -> jax.Array:
    """[N, H, W, C] → [N, H W, C]."""
    return x.reshape(x.shape[0], -1, x.shape[3])


def _call(kernel: Callable[..., None], inputs: tuple, outputs: tuple):
    """Runs one program an image, over arrays [N, ...]; of arrays [1, ...] all see the same."""

    def spec(shape: tuple[int, ...]) -> pl.BlockSpec:
        step, rest = min(shape[0] - 1, 1), shape[1:]
        return pl.BlockSpec((None, *rest), lambda n: (n * step,) + (0,) * len(rest))

    return pl.pallas_call(
        kernel,
        grid=inputs[0].shape[:1],
        in_specs=[spec(a.shape) for a in inputs],
        out_specs=[spec(a.shape) for a in outputs],
        out_shape=outputs,
        compiler_params=triton.CompilerParams(num_warps=_WARPS, num_stages=2),
        interpret=_INTERPRET,
    )(*inputs)


class _Tiles:
    """The tiles of pixels that an image of x [N, H, W, C] is worked through in; the last may be smaller.

    Args:
      shape: of x.
      block: Pixels a side of the blocks of its result.
    """

    def __init__(self, shape: tuple[int, ...], block: int):
        _, self.rows, self.columns, self.channels = shape
        self.block = block
        self.size = max(1, _VALUES // self.channels)
        self.number = pl.cdiv(self.rows * self.columns, self.size)
        self.values = self.rows * self.columns * self.channels

    def in_order(self, ref, i: jax.Array) -> "_Place":
        """Where the pixels of tile i are in an image like x."""
        mask = self._spread(self._pixels(i) < self.rows * self.columns)
        return _Place(ref.at[pl.ds(i * self.size, self.size), :], mask)

    def in_blocks(self, ref, i: jax.Array) -> "_Place":
        """Where they are in an image in blocks; some may be in none."""
        block = self.block
        if block == 1:
            return self.in_order(ref, i)
        pixels = self._pixels(i)
        row, column = jax.lax.div(pixels, self.columns), jax.lax.rem(pixels, self.columns)
        (row, inner_row), (column, inner_column) = (
            (jax.lax.div(a, block), jax.lax.rem(a, block)) for a in (row, column)
        )
        height, width = self.rows // block, self.columns // block
        places = ((row * width + column) * block + inner_row) * block + inner_column
        mask = self._spread((row < height) & (column < width))
        return _Place(ref.at[places[:, None], jnp.arange(self.channels)[None]], mask)

    def sums(self, values: Callable[..., tuple[jax.Array, ...]], count: int) -> tuple[jax.Array, ...]:
        """Sums of `values(i)`, `count` arrays [size, C], over the tiles; not yet over their pixels."""

        def add(i, sums):
            return tuple(total + new for total, new in zip(sums, values(i), strict=True))

        zero = jnp.zeros((self.size, self.channels))
        return jax.lax.fori_loop(0, self.number, add, (zero,) * count)

    def _pixels(self, i: jax.Array) -> jax.Array:
        return i * self.size + jnp.arange(self.size)

    def _spread(self, mask: jax.Array) -> jax.Array:
        """[size] → [size, C]."""
        return jnp.broadcast_to(mask[:, None], (self.size, self.channels))


class _Place(NamedTuple):
    """Values of an image, [size, C], and which of them there are."""

    at: Any
    mask: jax.Array

    def load(self) -> jax.Array:
        """float32; 0 where there is none."""
        return triton.load(self.at, mask=self.mask, other=0.0).astype(jnp.float32)

    def store(self, values: jax.Array) -> None:
        triton.store(self.at, values.astype(self.at.dtype), mask=self.mask)


def _forward_kernel(x_ref, shift_ref, scale_ref, bias_ref, y_ref, mean_ref, inverse_ref, *, tiles, epsilon):
    shift = shift_ref[...]

    def powers(i):
        here = tiles.in_order(x_ref, i)
        x = jnp.where(here.mask, here.load() + shift, 0.0)
        return x, x * x

    mean, square = (jnp.sum(total) / tiles.values for total in tiles.sums(powers, 2))
    inverse = jax.lax.rsqrt(jnp.maximum(square - mean * mean, 0.0) + epsilon)
    mean_ref[...], inverse_ref[...] = mean, inverse
    gain = scale_ref[...] * inverse
    offset = (shift - mean) * gain + bias_ref[...]

    @pl.loop(0, tiles.number)
    def _(i):
        x = tiles.in_order(x_ref, i).load()
        tiles.in_blocks(y_ref, i).store(jnp.maximum(x * gain + offset, 0.0))


def _backward_kernel(
    x_ref, dy_ref, shift_ref, scale_ref, bias_ref, mean_ref, inverse_ref, dx_ref, *sum_refs, tiles
):
    scale, bias, inverse = scale_ref[...], bias_ref[...], inverse_ref[...]
    offset = shift_ref[...] - mean_ref[...]

    def read(i):
        here = tiles.in_order(x_ref, i)
        normed = jnp.where(here.mask, (here.load() + offset) * inverse, 0.0)
        return jnp.where(normed * scale + bias > 0, tiles.in_blocks(dy_ref, i).load(), 0.0), normed

    def terms(i):
        dz, normed = read(i)
        return dz, dz * normed, normed

    sums = tuple(jnp.sum(total, 0) for total in tiles.sums(terms, 3))
    for ref, total in zip(sum_refs, sums, strict=True):
        ref[...] = total
    along, across = (jnp.sum(total * scale) / tiles.values for total in sums[:2])

    @pl.loop(0, tiles.number)
    def _(i):
        dz, normed = read(i)
        tiles.in_order(dx_ref, i).store((dz * scale - along - normed * across) * inverse)
