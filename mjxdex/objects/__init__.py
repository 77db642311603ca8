"""Objects to grasp, as primitive slots of one free body."""

from mjxdex.objects.shapes import DENSITY, PRIMITIVES, Part, Shape
from mjxdex.objects.slots import ObjectSet, compile_set, load

__all__ = ["DENSITY", "PRIMITIVES", "ObjectSet", "Part", "Shape", "compile_set", "load"]
