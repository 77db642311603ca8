"""The one linear system of the fabric, apart so that it can be swapped for what is fastest on a backend."""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular


def solve_spd(matrix: jax.Array, rhs: jax.Array) -> jax.Array:
    """Solves matrix x = b for each row b of rhs.

    Args:
      matrix: [n, n], symmetric and positive definite.
      rhs: [k, n].

    Returns:
      [k, n], one solution a row.
    """
    factor = jnp.linalg.cholesky(matrix, symmetrize_input=False)
    halfway = solve_triangular(factor, rhs.T, lower=True)
    return solve_triangular(factor, halfway, lower=True, trans=1).T
