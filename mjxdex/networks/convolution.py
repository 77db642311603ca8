"""Convolutions of stride 2, computed as convolutions of stride 1 over blocks of pixels."""

import jax
import jax.numpy as jnp

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def halving_convolution(
    x: jax.Array, kernel: jax.Array, *, block_in: int = 1, block_out: int = 1
) -> jax.Array:
    """Convolution of stride 2 without padding.

    The pixels of each block become channels, and the kernel is rearranged to match, with zeros where a pixel
    of the block does not count. That gives tensor cores more channels and spares the strided gradients.
    `in_blocks` says what images in blocks are.

    Args:
      x: Images in blocks of `block_in`: 1 (that is, [N, H, W, C]) or 2 `block_out`.
      kernel: [k, k, C, F], of the same type.
      block_in: Block size of x.
      block_out: Block size of the result; the size of the image that results must be a multiple.

    Returns:
      The images of (H - k) // 2 + 1 by (W - k) // 2 + 1 pixels and F channels, in blocks of `block_out`.
    """
    size, _, channels, filters = kernel.shape
    block = 2 * block_out
    span = (2 * block_out + size - 3) // block + 1
    rows, columns = x.shape[1] * block_in, x.shape[2] * block_in
    height, width = (((length - size) // 2 + 1) // block_out + span - 1 for length in (rows, columns))
    if block_in == 1:
        fill_rows, fill_columns = max(block * height - rows, 0), max(block * width - columns, 0)
        x = jnp.pad(x, ((0, 0), (0, fill_rows), (0, fill_columns), (0, 0)))
        x = in_blocks(x[:, : block * height, : block * width], block)

    def shifted(row: int, column: int) -> jax.Array:
        """The kernel as seen from the blocks that a pixel of the resulting block looks at."""
        before, room = (2 * row, 2 * column), span * block - size
        fill = [(n, room - n) for n in before]
        blocks = jnp.pad(kernel, (*fill, (0, 0), (0, 0)))
        blocks = blocks.reshape(span, block, span, block, channels, filters)
        return blocks.transpose(0, 2, 1, 3, 4, 5).reshape(span, span, -1, filters)

    kernels = [shifted(row, column) for row in range(block_out) for column in range(block_out)]
    return _convolve(x[:, :height, :width], jnp.concatenate(kernels, axis=-1))


def in_blocks(x: jax.Array, block: int) -> jax.Array:
    """[N, H, W, C] → [N, H // block, W // block, block block C]: the pixels of each block become channels.

    These are in the order row, column, C. Rows and columns at the end that fill no block are left out.
    """
    height, width, channels = x.shape[1] // block, x.shape[2] // block, x.shape[3]
    x = x[:, : block * height, : block * width]
    x = x.reshape(-1, height, block, width, block, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(-1, height, width, block * block * channels)


def in_halves(x: jax.Array) -> jax.Array:
    """float32 [..., C] as bfloat16 [..., 2 C]: the nearest bfloat16 numbers, then what they leave over.

    One bfloat16 number resolves 8 mm at 1 m; the two together 0.03 mm. A kernel that is repeated for the
    second half sees their sum.
    """
    coarse = jax.lax.reduce_precision(x, exponent_bits=8, mantissa_bits=7)
    return jnp.concatenate([coarse, x - coarse], axis=-1).astype(jnp.bfloat16)


def _plain(x: jax.Array, kernel: jax.Array) -> jax.Array:
    return jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=_DIMENSIONS)


def _forward(x: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _plain(x, kernel), (x, kernel)


def _backward(saved: tuple[jax.Array, jax.Array], dy: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = saved
    if jax.default_backend() != "cpu":
        _, transpose = jax.vjp(_plain, x, kernel)
        return transpose(dy)
    # XLA's CPU compiler rewrites gradients of convolutions into their fast form outside of loops only:
    # inside lax.scan the usual gradients take eight times as long as these.
    size, (rows, columns) = kernel.shape[0], dy.shape[1:3]
    full = [(size - 1, size - 1)] * 2
    flipped = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    dx = jax.lax.conv_general_dilated(dy, flipped, (1, 1), full, dimension_numbers=_DIMENSIONS)
    shifted = [x[:, i : i + rows, j : j + columns] for i in range(size) for j in range(size)]
    dkernel = jnp.stack([jnp.einsum("nhwc,nhwf->cf", window, dy) for window in shifted])
    return dx, dkernel.reshape(kernel.shape)


_convolve = jax.custom_vjp(_plain)
_convolve.defvjp(_forward, _backward)
