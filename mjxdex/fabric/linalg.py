import jax, jax.numpy as jnp
def solve_lapack(matrix, rhs):
    c = jnp.linalg.cholesky(matrix)
    y = jax.scipy.linalg.solve_triangular(c, rhs.T, lower=True)
    return jax.scipy.linalg.solve_triangular(c, y, lower=True, trans=1).T
solve_spd = solve_lapack
