"""30 held-out objects: household things, two thirds of them of families that no training object is of."""

from functools import cache

from mjxdex.objects.families import FAMILIES, HOUSEHOLD
from mjxdex.objects.generator import make
from mjxdex.objects.shapes import Shape

HELDOUT = {
    "airplane": ("airplane", (142, 128, 58)),
    "binoculars": ("binoculars", (118, 112, 56)),
    "bird_house": ("house", (92, 88, 128)),
    "boot": ("shoe", (120, 56, 118)),
    "camera": ("camera", (112, 84, 82)),
    "coffee_mug": ("mug", (118, 82, 94)),
    "desk_lamp": ("lamp", (116, 76, 134)),
    "frying_pan": ("saucepan", (158, 96, 56)),
    "glider": ("airplane", (108, 152, 64)),
    "goblet": ("goblet", (84, 72, 128)),
    "hair_dryer": ("drill", (136, 58, 122)),
    "handset": ("handset", (152, 52, 58)),
    "kettlebell": ("kettlebell", (92, 84, 124)),
    "light_bulb": ("pear", (72, 70, 122)),
    "padlock": ("padlock", (86, 48, 118)),
    "power_drill": ("drill", (126, 54, 132)),
    "rubber_duck": ("duck", (114, 86, 98)),
    "saucepan": ("saucepan", (150, 82, 78)),
    "shampoo": ("bottle", (64, 52, 138)),
    "sneaker": ("shoe", (146, 58, 78)),
    "soap_dispenser": ("flask", (66, 54, 126)),
    "stool": ("table", (104, 92, 88)),
    "tap": ("tap", (120, 62, 112)),
    "thread_spool": ("spool", (78, 74, 96)),
    "toolbox": ("tote", (132, 68, 92)),
    "toy_horse": ("quadruped", (122, 54, 112)),
    "toy_house": ("house", (112, 86, 104)),
    "toy_truck": ("car", (140, 70, 76)),
    "trophy": ("goblet", (122, 68, 134)),
    "watering_can": ("watering_can", (144, 74, 108)),
}
"""Family and size along x, y, z in millimetres by name; our choice, in the range of the training sizes."""


@cache
def heldout_shapes() -> tuple[Shape, ...]:
    """The held-out objects, sorted by name; the same on every machine."""
    families = FAMILIES | HOUSEHOLD
    return tuple(make(families[family], name, size) for name, (family, size) in HELDOUT.items())
