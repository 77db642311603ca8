"""The one linear system of the fabric, apart so that it can be swapped for what is fastest on a backend."""

import jax
import jax.numpy as jnp
from jax import lax


def solve_spd(matrix: jax.Array, rhs: jax.Array) -> jax.Array:
    """Solves matrix x = b for each row b of rhs, by Gauss-Jordan elimination without pivoting.

    Written out rather than calling a library's Cholesky: LAPACK calls of several virtual CPU devices at once can
    deadlock XLA's thread pool (seen with jaxlib 0.10.2), and on GPUs these small solves are launches either way.

    Args:
      matrix: [n, n], symmetric and positive definite.
      rhs: [k, n].

    Returns:
      [k, n], one solution a row.
    """
    size = matrix.shape[0]
    rows = jnp.arange(size)

    def eliminate(k: jax.Array, table: jax.Array) -> jax.Array:
        pivot = lax.dynamic_index_in_dim(table, k, 0, keepdims=False)
        pivot = pivot / lax.dynamic_index_in_dim(pivot, k, keepdims=False)
        factor = lax.dynamic_index_in_dim(table, k, 1, keepdims=False) - (rows == k)
        return table - factor[:, None] * pivot[None]

    return lax.fori_loop(0, size, eliminate, jnp.concatenate((matrix, rhs.T), axis=1))[:, size:].T
