"""Objects to grasp, as primitive slots of one free body."""

from mjxdex.objects.sets import SETS, load
from mjxdex.objects.shapes import DENSITY, PRIMITIVES, Part, Shape
from mjxdex.objects.slots import ObjectSet, compile_set

__all__ = ["DENSITY", "PRIMITIVES", "SETS", "ObjectSet", "Part", "Shape", "compile_set", "load"]
