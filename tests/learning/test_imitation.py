import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.learning.imitation import imitation_loss


def loss(mean, log_std, object_pos, coef=10.0):
    """Of two envs with two actions, against a teacher at 0 with standard deviations 0.5 and 2."""
    return imitation_loss(
        jnp.asarray(mean),
        jnp.asarray(log_std),
        jnp.asarray(object_pos),
        jnp.zeros((2, 2)),
        jnp.log(jnp.asarray([0.5, 2.0])),
        jnp.asarray([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]),
        object_pos_coef=coef,
    )


SAME_STD = [math.log(0.5), math.log(2.0)]
WHERE = [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]


def test_actions_count_in_standard_deviations_of_the_teacher():
    # Env 0: (1.5 / 0.5, 8 / 2) = (3, 4), of norm 5. Env 1: (1 / 0.5, 0) of norm 2.
    total, parts = loss([[1.5, 8.0], [1.0, 0.0]], SAME_STD, WHERE)
    assert float(parts["action_error"]) == pytest.approx(3.5)
    assert float(total) == pytest.approx(3.5)
    # Clipped to ±1, four components are off by 1, 1, 1 and 0.
    assert float(parts["action_distance"]) == pytest.approx(0.75)


def test_standard_deviations_and_object_position():
    # σ = (3.5, 6) against (0.5, 2): off by (3, 4). Object: 2 cm and 6 cm off, so 4 cm on average.
    where = [[0.02, 0.0, 0.0], [1.0, 1.0, 1.06]]
    total, parts = loss(np.zeros((2, 2)), np.log([3.5, 6.0]), where)
    assert float(parts["std_error"]) == pytest.approx(5.0)
    assert float(parts["object_pos_error_cm"]) == pytest.approx(4.0, rel=1e-4)
    assert float(total) == pytest.approx(5.0 + 10 * 0.04, rel=1e-5)
    assert float(loss(np.zeros((2, 2)), np.log([3.5, 6.0]), where, coef=1.0)[0]) == pytest.approx(5.04)


def test_gradient_is_finite_where_student_and_teacher_agree():
    slopes = jax.grad(lambda *inputs: loss(*inputs)[0], argnums=(0, 1, 2))(
        jnp.zeros((2, 2)), jnp.asarray(SAME_STD), jnp.asarray(WHERE)
    )
    for slope in slopes:
        np.testing.assert_array_equal(slope, 0)


def test_norms_are_not_squared():
    """The gradient's size does not depend on how far off an env is."""

    def slope(mean):
        return jax.grad(lambda mean: loss(mean, SAME_STD, WHERE)[0])(jnp.asarray(mean))

    near, far = slope([[0.1, 0.0], [0.0, 0.1]]), slope([[10.0, 0.0], [0.0, 10.0]])
    np.testing.assert_allclose(near, [[1.0, 0.0], [0.0, 0.25]], atol=1e-6)
    np.testing.assert_allclose(near, far, atol=1e-6)
