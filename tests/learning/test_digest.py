"""The digest depends on every bit, name and shape, and on nothing else."""

import jax.numpy as jnp
import numpy as np

from mjxdex.learning.digest import digest

TREE = {"b": {0: np.arange(3, dtype=np.float32)}, "a": np.zeros((2, 2), np.float32)}


def test_order_of_insertion_and_place_of_the_arrays_do_not_matter():
    again = {"a": jnp.zeros((2, 2)), "b": {0: jnp.arange(3, dtype=jnp.float32)}}
    assert digest(TREE) == digest(again) and len(digest(TREE)) == 64


def test_last_bit_name_shape_and_sign_of_zero_matter():
    nudged = {**TREE, "b": {0: np.nextafter(TREE["b"][0], np.float32(9))}}
    renamed = {"b": TREE["b"], "c": TREE["a"]}
    reshaped = {**TREE, "a": np.zeros(4, np.float32)}
    negative = {**TREE, "a": -TREE["a"]}
    assert len({digest(t) for t in (TREE, nudged, renamed, reshaped, negative)}) == 5
