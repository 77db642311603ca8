import jax
import numpy as np

from mjxdex.fabric.linalg import solve_spd


def test_solves_a_batch_of_badly_scaled_systems():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(16, 23, 23))
    scale = np.diag(10 ** rng.uniform(-1, 1, 23))
    matrix = scale @ (root @ root.transpose(0, 2, 1) + np.eye(23)) @ scale
    rhs = rng.normal(size=(16, 2, 23))
    solution = jax.jit(jax.vmap(solve_spd))(matrix.astype(np.float32), rhs.astype(np.float32))
    expected = np.linalg.solve(matrix, rhs.transpose(0, 2, 1)).transpose(0, 2, 1)
    error = np.linalg.norm(solution - expected) / np.linalg.norm(expected)
    assert error < 1e-4
