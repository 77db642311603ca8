"""The 140 training objects: the published sizes one by one, each filled by a family of shapes."""

from collections import Counter
from functools import cache

from mjxdex.objects.families import FAMILIES
from mjxdex.objects.generator import Family, make, orders
from mjxdex.objects.inertia import inertial
from mjxdex.objects.shapes import Shape
from mjxdex.objects.solids import Dice
from mjxdex.objects.training_sizes import TRAINING_SIZES

NAMED = {
    "beeth": "bust",
    "blub_triangulated": "fish",
    "cheburashka": "creature",
    "cow": "quadruped",
    "happy": "figure",
    "homer": "figure",
    "horse": "quadruped",
    "Hundepaar": "quadruped",
    "igea": "bust",
    "lucy": "figure",
    "ogre": "creature",
    "sphinx": "quadruped",
    "spot": "quadruped",
    "suzanne": "creature",
    "teapot": "teapot",
    "xyzrgb_dragon": "quadruped",
}
"""Families of the objects whose names say what they are."""


MAX_MASS = 0.44
"""kg, of the heaviest convex hull of the published objects."""


@cache
def training_objects() -> dict[str, tuple[str, Shape]]:
    """Family and shape of every training object, in the order of TRAINING_SIZES; the same on every machine.

    The family is one of those that were used least so far, among those that suit the size.
    """
    used = Counter(NAMED.values())
    made = {}
    for name, size in TRAINING_SIZES.items():
        if name in NAMED:
            made[name] = NAMED[name], _shape(name, size, FAMILIES[NAMED[name]])
            continue
        dice = Dice(f"{name} family")
        suiting = [key for key, family in FAMILIES.items() if orders(family, size)]
        while name not in made:
            least = min(used[key] for key in suiting)
            key = dice.pick([key for key in suiting if used[key] == least])
            suiting.remove(key)
            shape = _shape(name, size, FAMILIES[key])
            if inertial(shape).mass < MAX_MASS:
                made[name] = key, shape
                used[key] += 1
    return made


def training_shapes() -> tuple[Shape, ...]:
    """The training objects, in the order of TRAINING_SIZES."""
    return tuple(shape for _, shape in training_objects().values())


def _shape(name: str, size: tuple[int, int, int], family: Family) -> Shape:
    """Upright, if the family can be upright at this size."""
    options = orders(family, size)
    upright = [order for order in options if order[2] == 2]
    return make(family, name, size, Dice(f"{name} pose").pick(upright or options))
