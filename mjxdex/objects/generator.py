"""Makes an object of a wanted size from a family of shapes."""

from collections.abc import Callable
from itertools import permutations
from typing import NamedTuple

import numpy as np

from mjxdex.objects.shapes import Part, Shape
from mjxdex.objects.solids import Dice

_TOLERANCE = 1e-6
"""Metres by which the size of a made object may differ from the wanted one."""
_ROUNDS = 100
"""Corrections of the asked extents after which a family is taken to be unable; 1 to 20 do."""


class Family(NamedTuple):
    """A kind of object.

    Attributes:
      build: (dice, length, width, height) in mm -> parts; height is up. Each extent of the parts has to grow
        with its argument, but need not equal it.
      fits: whether the family looks right at (length, width, height).
    """

    build: Callable[[Dice, float, float, float], list[Part]]
    fits: Callable[[float, float, float], bool]


def register_in(families: dict[str, Family]) -> Callable:
    """Returns a decorator that adds a `Family.build` to `families`, given the sizes that fit it."""

    def family(fits: Callable[[float, float, float], bool] = lambda length, width, height: True) -> Callable:
        def register(build: Callable) -> Callable:
            families[build.__name__] = Family(build, fits)
            return build

        return register

    return family


def orders(family: Family, size: tuple[int, int, int]) -> list[tuple[int, ...]]:
    """Which of the axes x, y, z (0, 1, 2) may be length, width and height, given the mm along them."""
    return [order for order in permutations(range(3)) if family.fits(*(size[axis] for axis in order))]


def make(family: Family, name: str, size: tuple[int, int, int], order: tuple[int, ...] = (0, 1, 2)) -> Shape:
    """Makes a shape whose bounds are centred on its frame and have the wanted size.

    Args:
      family: the kind of object.
      name: of the shape; its proportions are drawn from it.
      size: mm along x, y and z.
      order: which of x, y, z (0, 1, 2) are length, width and height.

    Raises:
      ValueError: if the family cannot take this size.
    """
    wanted = np.array(size)[list(order)] / 1000
    asked = made = wanted
    for _ in range(_ROUNDS):
        parts = family.build(Dice(name), *(asked * 1000).tolist())
        low, high = Shape(name, tuple(parts)).bounds
        made = high - low
        if np.abs(made - wanted).max() < _TOLERANCE:
            return Shape(name, tuple(_place(part, (low + high) / 2, order) for part in parts))
        asked = asked * wanted / made
    made_mm = np.round(made * 1000, 1).tolist()
    raise ValueError(f"object {name!r} cannot be {size} mm; its family makes it {made_mm} mm")


def _place(part: Part, middle: np.ndarray, order: tuple[int, ...]) -> Part:
    """Moves a part by -middle and turns length, width and height into the axes of `order`."""
    turn = np.zeros((3, 3))
    turn[list(order), range(3)] = 1
    turn[:, 0] *= np.linalg.det(turn)
    return part.moved(turn, -turn @ middle)
