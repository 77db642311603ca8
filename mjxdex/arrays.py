"""One source for two array libraries: kinematics and fabric run on JAX arrays in training and on NumPy arrays
on a robot's PC, which needs no JAX.

A function asks its arguments for their module and calls it `xp`; JAX's arrays and tracers, and NumPy's arrays
since version 2, know it. NumPy computes in the precision of its arguments, which is float64 as a rule.
"""

from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""A JAX array or a NumPy array, like all others of the call."""


def namespace(*arrays: Any) -> ModuleType:
    """jax.numpy if any of the arrays is one of JAX, else numpy."""
    for array in arrays:
        if not isinstance(array, np.ndarray | np.generic):
            return array.__array_namespace__()
    return np


def cross(a: Any, b: Any) -> Any:
    """Cross products of vectors along the last axis, [..., 3]; NumPy's own is slow for few of them."""
    xp = namespace(a, b)
    if xp is not np:
        return xp.cross(a, b)
    ax, ay, az, bx, by, bz = (v[..., i] for v in (a, b) for i in range(3))
    return np.stack((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx), axis=-1)


def pad(array: Any, widths: Any, fill: float = 0) -> Any:
    """The array with constant entries around it, as `numpy.pad` takes widths; that is slow for small ones."""
    xp = namespace(array)
    if xp is not np:
        return xp.pad(array, widths, constant_values=fill)
    pairs = np.broadcast_to(widths, (array.ndim, 2))
    found = np.full(np.add(array.shape, pairs.sum(axis=1)), fill, array.dtype)
    inside = tuple(slice(pair[0], pair[0] + size) for pair, size in zip(pairs, array.shape, strict=True))
    found[inside] = array
    return found
