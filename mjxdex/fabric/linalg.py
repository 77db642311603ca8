"""The one linear system of the fabric, apart so that it can be swapped for what is fastest on a backend."""

from __future__ import annotations

import numpy as np

from mjxdex.arrays import Array, namespace


def solve_spd(matrix: Array, rhs: Array) -> Array:
    """Solves matrix x = b for each row b of rhs, by Gauss-Jordan elimination without pivoting in
    JAX and LAPACK in NumPy.

    JAX's is written out rather than calling a library's Cholesky: LAPACK calls of several virtual CPU devices
    at once deadlock XLA's thread pool (seen with jaxlib 0.10.2). Scaling to a unit diagonal first keeps the
    accuracy of Cholesky in float32.

    Args:
      matrix: [n, n], symmetric and positive definite.
      rhs: [k, n].

    Returns:
      [k, n], one solution a row.
    """
    if namespace(matrix, rhs) is np:
        return np.linalg.solve(matrix, rhs.T).T
    import jax.numpy as jnp
    from jax import lax

    size = matrix.shape[0]
    scale = lax.rsqrt(jnp.diagonal(matrix))
    rows = jnp.arange(size)

    def eliminate(k: Array, table: Array) -> Array:
        pivot = lax.dynamic_index_in_dim(table, k, 0, keepdims=False)
        pivot = pivot / lax.dynamic_index_in_dim(pivot, k, keepdims=False)
        factor = lax.dynamic_index_in_dim(table, k, 1, keepdims=False) - (rows == k)
        return table - factor[:, None] * pivot[None]

    table = jnp.concatenate((matrix * scale[:, None] * scale, (rhs * scale).T), axis=1)
    return lax.fori_loop(0, size, eliminate, table)[:, size:].T * scale
