"""Parts in millimetres, and numbers drawn from a name: what families of shapes are written with."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import mujoco
import numpy as np

from mjxdex.objects.shapes import Part

T = TypeVar("T")
Point = tuple[float, float, float]
MIN_THICKNESS = 14.0
"""mm. Thinner parts would be pressed through a finger or the table in a physics step."""


class Dice:
    """Uniform numbers that depend on a name alone, on every machine and with every version of NumPy."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = 0

    def __call__(self, low: float, high: float) -> float:
        """Draws a number in [low, high)."""
        digest = hashlib.sha256(f"{self._name}/{self._count}".encode()).digest()
        self._count += 1
        return low + (high - low) * int.from_bytes(digest[:8], "big") / 2**64

    def pick(self, options: Sequence[T]) -> T:
        """Draws one of the options."""
        return options[int(self(0, len(options)))]


def thick(size: float) -> float:
    """The size, or MIN_THICKNESS if that is more."""
    return max(size, MIN_THICKNESS)


def box(low: Point, high: Point) -> Part:
    """An upright box between two corners."""
    a, b = np.array(low), np.array(high)
    return Part("box", _m((b - a) / 2), _m((a + b) / 2))


def tilted_box(centre: Point, size: Point, axis: Point, degrees: float) -> Part:
    """A box with edges `size`, turned about `axis`."""
    quat, rot = np.zeros(4), np.zeros(9)
    mujoco.mju_axisAngle2Quat(quat, np.array(axis) / np.linalg.norm(axis), np.deg2rad(degrees))
    mujoco.mju_quat2Mat(rot, quat)
    return Part("box", _m(np.array(size) / 2)).moved(rot.reshape(3, 3), np.array(centre) / 1000)


def rod(a: Point, b: Point, radius: float) -> Part:
    """A cylinder between the centres of its flat ends."""
    return _round("cylinder", a, b, radius)


def capsule(a: Point, b: Point, radius: float) -> Part:
    """A cylinder between a and b with half balls beyond both."""
    return _round("capsule", a, b, radius)


def ellipsoid(centre: Point, radii: Point) -> Part:
    """An upright ellipsoid."""
    return Part("ellipsoid", _m(radii), _m(centre))


def _round(kind: str, a: Point, b: Point, radius: float) -> Part:
    ends = np.array([a, b])
    axis = ends[1] - ends[0]
    quat, rot = np.zeros(4), np.zeros(9)
    mujoco.mju_quatZ2Vec(quat, axis)
    mujoco.mju_quat2Mat(rot, quat)
    upright = Part(kind, (radius / 1000, float(np.linalg.norm(axis)) / 2000, 0.0))
    return upright.moved(rot.reshape(3, 3), ends.mean(axis=0) / 1000)


def _m(values) -> Point:
    x, y, z = (float(value) / 1000 for value in values)
    return x, y, z
