"""Convolutions of stride 2, computed as convolutions of stride 1 over 2x2 blocks of pixels."""

import jax
import jax.numpy as jnp

_DIMENSIONS = ("NHWC", "HWIO", "NHWC")


def halving_convolution(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Convolution of stride 2 without padding.

    The four pixels of each 2x2 block become channels, and the kernel is rearranged to match. That gives
    tensor cores four times the channels, spares the strided gradients, and for the first layer, with its
    single channel, a quarter of the padding.

    Args:
      x: Images, [N, H, W, C].
      kernel: [k, k, C, F], of the same type; an odd k is filled up with zeros.

    Returns:
      [N, (H - k) // 2 + 1, (W - k) // 2 + 1, F].
    """
    size, _, channels, filters = kernel.shape
    blocks = (size + 1) // 2
    fill = 2 * blocks - size
    kernel = jnp.pad(kernel, ((0, fill), (0, fill), (0, 0), (0, 0)))
    kernel = kernel.reshape(blocks, 2, blocks, 2, channels, filters)
    kernel = kernel.transpose(0, 2, 1, 3, 4, 5).reshape(blocks, blocks, 4 * channels, filters)

    batch, rows, columns, _ = x.shape
    height, width = (rows - size) // 2 + blocks, (columns - size) // 2 + blocks
    fill_rows, fill_columns = max(2 * height - rows, 0), max(2 * width - columns, 0)
    x = jnp.pad(x, ((0, 0), (0, fill_rows), (0, fill_columns), (0, 0)))[:, : 2 * height, : 2 * width]
    x = x.reshape(batch, height, 2, width, 2, channels)
    x = x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height, width, 4 * channels)
    return _convolve(x, kernel)


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
