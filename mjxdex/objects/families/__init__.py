"""Families of shapes by name.

Each function draws its proportions from `d` and fills a length L along x, a width W along y (centred) and a
height H along z, in millimetres. None uses more than 3 boxes, 2 cylinders, 2 capsules and 1 ellipsoid: each
slot of a set costs time in every env.
"""

from mjxdex.objects.families.blocks import BLOCKS
from mjxdex.objects.families.creatures import CREATURES
from mjxdex.objects.families.household import HOUSEHOLD
from mjxdex.objects.families.tools import TOOLS
from mjxdex.objects.families.vessels import VESSELS

FAMILIES = BLOCKS | VESSELS | TOOLS | CREATURES
"""Families of the training objects."""

__all__ = ["FAMILIES", "HOUSEHOLD"]
