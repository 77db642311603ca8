"""Where arrays lie in the one buffer that goes into physics and comes out of it."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import numpy as np

ALIGNMENT = 64
"""Arrays within a buffer start at multiples of so many numbers, as arrays of their own would."""


class Part(NamedTuple):
    """An array within a buffer of 4-byte numbers."""

    start: int
    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def padding(self) -> int:
        return -self.size % ALIGNMENT

    @property
    def stop(self) -> int:
        return self.start + self.size + self.padding


def lay_out(arrays: Mapping[str, jax.ShapeDtypeStruct]) -> dict[str, Part]:
    """Places for arrays of these shapes, one after the other."""
    parts, start = {}, 0
    for path, array in arrays.items():
        parts[path] = Part(start, array.shape, array.dtype)
        start = parts[path].stop
    return parts
