"""The GPU kernels of `norm_relu`: one program an image, read twice, the second time from the cache."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

_WARPS = 8
"""Warps that work on an image; with _BLOCK the best of what was measured on an H100."""
_BLOCK = 4096
"""Values that they work on at a time."""
_INTERPRET = False
"""Run without a GPU, for tests."""


def fit(x: jax.Array) -> bool:
    """Whether the kernels are to be used for x [N, R, C]: on a GPU, for bfloat16 and C a power of 2."""
    channels = x.shape[-1]
    return jax.default_backend() == "gpu" and x.dtype == jnp.bfloat16 and channels & (channels - 1) == 0


def forward(
    x: jax.Array,
    shift: jax.Array,
    scale: jax.Array,
    bias: jax.Array,
    epsilon: float,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """ReLU of the normalized x + shift.

    Args:
      x: [N, R, C], normalized over R and C.
      shift, scale, bias: float32 [1, C].
      epsilon: Added to the variance.

    Returns:
      The result, [N, R, C] of the type of x; mean and 1 / deviation of x + shift, float32 [N].
    """
    kernel = functools.partial(_forward_kernel, epsilon=epsilon)
    number = jax.ShapeDtypeStruct(x.shape[:1], jnp.float32)
    y = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return _call(kernel, (x, shift, scale, bias), (y, number, number))


def backward(
    x: jax.Array,
    dy: jax.Array,
    shift: jax.Array,
    scale: jax.Array,
    bias: jax.Array,
    mean: jax.Array,
    inverse: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Gradient of x, and the sums over R of dz, dz x̂ and x̂, float32 [N, C], that `norm_relu` needs."""
    sums = jax.ShapeDtypeStruct((x.shape[0], x.shape[2]), jnp.float32)
    dx = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return _call(_backward_kernel, (x, dy, shift, scale, bias, mean, inverse), (dx, sums, sums, sums))


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


class _Blocks:
    """The blocks of rows that an image [R, C] is worked through in; called with a number: rows and mask."""

    def __init__(self, shape: tuple[int, int]):
        self.rows, self.channels = shape
        self.size = max(1, _BLOCK // self.channels)
        self.number = pl.cdiv(self.rows, self.size)

    def __call__(self, i: jax.Array) -> tuple[pl.Slice | slice, jax.Array]:
        mask = i * self.size + jnp.arange(self.size) < self.rows
        return pl.ds(i * self.size, self.size), jnp.broadcast_to(mask[:, None], (self.size, self.channels))


def _sums(blocks: _Blocks, values: Callable[..., tuple[jax.Array, ...]], count: int):
    """Sums of `values(at, mask)`, `count` arrays [block, C], over the blocks; not yet over a block's rows."""

    def add(i, sums):
        return tuple(total + new for total, new in zip(sums, values(*blocks(i)), strict=True))

    zero = jnp.zeros((blocks.size, blocks.channels))
    return jax.lax.fori_loop(0, blocks.number, add, (zero,) * count)


def _load(ref, at, mask) -> jax.Array:
    return triton.load(ref.at[at, :], mask=mask, other=0.0).astype(jnp.float32)


def _forward_kernel(x_ref, shift_ref, scale_ref, bias_ref, y_ref, mean_ref, inverse_ref, *, epsilon):
    blocks = _Blocks(x_ref.shape)
    count = blocks.rows * blocks.channels
    shift = shift_ref[...]

    def powers(at, mask):
        wide = jnp.where(mask, _load(x_ref, at, mask) + shift, 0.0)
        return wide, wide * wide

    mean, square = (jnp.sum(total) / count for total in _sums(blocks, powers, 2))
    inverse = jax.lax.rsqrt(jnp.maximum(square - mean * mean, 0.0) + epsilon)
    mean_ref[...], inverse_ref[...] = mean, inverse
    gain = scale_ref[...] * inverse
    offset = (shift - mean) * gain + bias_ref[...]

    @pl.loop(0, blocks.number)
    def write(i):
        at, mask = blocks(i)
        y = jnp.maximum(_load(x_ref, at, mask) * gain + offset, 0.0)
        triton.store(y_ref.at[at, :], y.astype(y_ref.dtype), mask=mask)


def _backward_kernel(x_ref, dy_ref, shift_ref, scale_ref, bias_ref, mean_ref, inverse_ref, dx_ref, *sum_refs):
    blocks = _Blocks(x_ref.shape)
    count = blocks.rows * blocks.channels
    scale, bias, inverse = scale_ref[...], bias_ref[...], inverse_ref[...]
    offset = shift_ref[...] - mean_ref[...]

    def read(at, mask):
        normed = jnp.where(mask, (_load(x_ref, at, mask) + offset) * inverse, 0.0)
        return jnp.where(normed * scale + bias > 0, _load(dy_ref, at, mask), 0.0), normed

    def terms(at, mask):
        dz, normed = read(at, mask)
        return dz, dz * normed, normed

    sums = tuple(jnp.sum(total, 0) for total in _sums(blocks, terms, 3))
    for ref, total in zip(sum_refs, sums, strict=True):
        ref[...] = total
    along, across = (jnp.sum(total * scale) / count for total in sums[:2])

    @pl.loop(0, blocks.number)
    def write(i):
        at, mask = blocks(i)
        dz, normed = read(at, mask)
        dx = (dz * scale - along - normed * across) * inverse
        triton.store(dx_ref.at[at, :], dx.astype(dx_ref.dtype), mask=mask)
