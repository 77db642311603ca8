"""One source for two array libraries: kinematics and fabric run on JAX arrays in training and on NumPy arrays
on a robot's PC, which needs no JAX.

A function asks its arguments for their module and calls it `xp`; JAX's arrays and tracers, and NumPy's arrays
since version 2, know it. NumPy computes in the precision of its arguments, which is float64 as a rule.
"""

from types import ModuleType
from typing import Any

import numpy as np


def namespace(*arrays: Any) -> ModuleType:
    """jax.numpy if any of the arrays is one of JAX, else numpy."""
    for array in arrays:
        if not isinstance(array, np.ndarray | np.generic):
            return array.__array_namespace__()
    return np
