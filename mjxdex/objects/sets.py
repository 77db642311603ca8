"""Object sets by name or by file."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from mjxdex.config import ConfigError
from mjxdex.objects.files import read_set
from mjxdex.objects.heldout import heldout_shapes
from mjxdex.objects.shapes import PRIMITIVES, Shape
from mjxdex.objects.slots import ObjectSet, compile_set
from mjxdex.objects.training import training_shapes

SETS: dict[str, Callable[[], tuple[Shape, ...]]] = {
    "primitives": lambda: PRIMITIVES,
    "training": training_shapes,
    "dextrah": lambda: tuple(sorted((*PRIMITIVES, *training_shapes()), key=lambda shape: shape.name)),
    "heldout": heldout_shapes,
}
"""Shapes of the sets that have a name; `dextrah` is what the published task trains with."""


@cache
def load(name: str) -> ObjectSet:
    """Returns an object set.

    Args:
      name: of a set in SETS, or the path of a set file (see `objects.files`), which ends in .yaml.

    Raises:
      ConfigError: for an unknown name, with those that exist, and for a bad file.
    """
    if name.endswith((".yaml", ".yml")):
        return compile_set(Path(name).stem, read_set(Path(name)))
    if name not in SETS:
        known = ", ".join(sorted(SETS))
        raise ConfigError(
            f"env.objects is {name!r}; existing sets: {known}; or give the path of a .yaml file"
        )
    return compile_set(name, SETS[name]())
