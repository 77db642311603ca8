"""Stored arrays: what comes back, and by how much it may differ."""

import numpy as np
import pytest

from mjxdex.runtime.storage import PRECISIONS, decode, encode

RNG = np.random.default_rng(3)
KERNEL = (RNG.normal(size=(4, 4, 8, 24)) * np.logspace(-4, 1, 24)).astype(np.float32)


def test_float32_is_exact():
    np.testing.assert_array_equal(decode(encode(KERNEL, "float32")), KERNEL)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    "array",
    [np.float32(np.pi), RNG.normal(size=11).astype(np.float32), np.int32(7), np.arange(6).reshape(2, 3)],
)
def test_vectors_and_whole_numbers_are_exact_in_every_precision(precision, array):
    back = decode(encode(array, precision))
    np.testing.assert_array_equal(back, array)
    assert back.dtype == np.asarray(array).dtype and back.shape == np.shape(array)


def test_bfloat16_keeps_eight_bits():
    back = decode(encode(KERNEL, "bfloat16"))
    assert 0 < np.abs(back / KERNEL - 1).max() <= 1 / 256
    assert len(encode(KERNEL, "bfloat16").data) == 2 * KERNEL.size


def test_int8_has_a_step_for_each_output():
    back = decode(encode(KERNEL, "int8"))
    largest = np.abs(KERNEL).max(axis=(0, 1, 2))
    assert ((np.abs(back - KERNEL).max(axis=(0, 1, 2))) <= largest / 254 * 1.001).all()
    assert len(encode(KERNEL, "int8").data) == KERNEL.size + 4 * 24


def test_int8_of_dead_outputs():
    kernel = np.array([[0.0, 1.0], [0.0, -2.0]], np.float32)
    np.testing.assert_allclose(decode(encode(kernel, "int8")), kernel, atol=2 / 254)


def test_factored_keeps_rank_one_and_all_sums():
    rows, columns = RNG.uniform(size=(30, 1)) ** 4, RNG.uniform(size=(1, 20)) ** 4
    rank_one = (rows * columns).astype(np.float32)
    np.testing.assert_allclose(decode(encode(rank_one, "factored")), rank_one, rtol=1e-5)
    squares = KERNEL**2
    back = decode(encode(squares, "factored"))
    assert back.shape == squares.shape
    for axes in ((0, 1, 2), 3):
        np.testing.assert_allclose(back.sum(axes), squares.sum(axes), rtol=1e-4)
    np.testing.assert_array_equal(decode(encode(np.zeros((3, 4), np.float32), "factored")), np.zeros((3, 4)))


def test_an_unknown_storage_is_refused():
    with pytest.raises(ValueError, match="'int4' is no storage; there are float32, bfloat16, int8"):
        encode(KERNEL, "int4")
