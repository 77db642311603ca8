"""Part types of many objects chosen together, so that few slots hold any of them."""

import itertools
from collections import Counter
from collections.abc import Sequence

import numpy as np

from mjxdex.objects.shapes import PART_TYPES


def slots_needed(types: Sequence[Sequence[str]]) -> dict[str, int]:
    """Slots of each type that hold any one of the objects, given the types of each object's parts."""
    counts = [Counter(own) for own in types]
    return {kind: max(count[kind] for count in counts) for kind in PART_TYPES}


def choose_types(losses: Sequence[np.ndarray], max_slots: int) -> list[tuple[str, ...]]:
    """Types of every object's parts, within `max_slots` slots for the set, that fit best on the whole.

    Goes through all ways to share the slots among the types; in each, every object's parts take the slots
    that suit them best.

    Args:
      losses: for each object the loss of its fit if one part became another type, [K, len(PART_TYPES)].
      max_slots: at least the largest K.
    """
    best, chosen = np.inf, []
    for layout in itertools.product(range(max_slots + 1), repeat=len(PART_TYPES)):
        if sum(layout) == max_slots:
            found = [_assign(table, layout) for table in losses]
            total = sum(loss for loss, _ in found)
            if total < best:
                best, chosen = total, [types for _, types in found]
    return chosen


def _assign(losses: np.ndarray, layout: tuple[int, ...]) -> tuple[float, tuple[str, ...]]:
    """Loss of an object whose parts take slots of a layout, as a root mean square, and their types."""
    from scipy.optimize import linear_sum_assignment

    least = losses.min()
    column_type = np.repeat(np.arange(len(PART_TYPES)), np.minimum(layout, len(losses)))
    _, column = linear_sum_assignment(losses[:, column_type])
    types = column_type[column]
    added = losses[np.arange(len(losses)), types] - least
    return float(np.sqrt(least + added.sum())), tuple(PART_TYPES[t] for t in types)
