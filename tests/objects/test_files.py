"""Object sets survive their file, and what cannot be one is told in one line."""

import numpy as np
import pytest

from mjxdex import objects
from mjxdex.config import ConfigError
from mjxdex.objects import Part, Shape
from mjxdex.objects.files import read_set, write_set


def test_a_set_survives_its_file(tmp_path):
    tilted = (0.6, -0.48, 0.64, 0.0)
    box = Part("box", (0.01, 0.02, 0.03), (0.1, -0.02, 0.00001), tilted)
    capsule = Part("capsule", (0.01, 0.05, 0.0), (0.0, 0.0, 0.05))
    round_parts = (capsule, Part("cylinder", (0.02, 0.01, 0.0)), Part("ellipsoid", (0.02, 0.03, 0.04)))
    shapes = (Shape("1e3", (box,)), Shape("a: b", round_parts))
    path = tmp_path / "deep" / "set.yaml"
    write_set(path, "yes", shapes, {"a: b": {"source": "cup #1.obj", "iou": 0.9}})
    back = read_set(path)
    assert [shape.name for shape in back] == ["1e3", "a: b"]
    for one, other in zip(shapes, back, strict=True):
        for part, again in zip(one.parts, other.parts, strict=True):
            assert part.type == again.type
            for field in ("size", "pos", "quat"):
                np.testing.assert_allclose(getattr(part, field), getattr(again, field), atol=2e-6)
    assert objects.load(str(path)).names == ("1e3", "a: b")


def one(part: str) -> str:
    """A set of one object, cup, with one part."""
    return f"objects: [{{name: cup, parts: [{{{part}}}]}}]"


CUP = one("type: box, size: [0.1, 0.1, 0.1]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("objects: [", "is not valid YAML"),
        ("- a", "it must be keys name, objects"),
        ("name: a", "objects is missing; it must be a list with at least one item"),
        ("objects: []", "objects is []; it must be a list"),
        ("object: []", "has a key 'object'; allowed: name, objects"),
        (CUP.replace("name: cup, ", ""), "object 1: name is missing; it must be text"),
        (CUP.replace("]}]}]", "]}]}, " + CUP.removeprefix("objects: [")), "two objects are called 'cup'"),
        ("objects: [{name: cup, parts: []}]", "object cup: parts is []; it must be a list"),
        (one("type: cone, size: [1]"), "object cup, part 1: type is 'cone'; it must be one of box, cyl"),
        (one("type: box, size: [0.1, 0.1]"), "size is [0.1, 0.1]; it must be 3 numbers, as a box"),
        (one("type: box, size: [40, 50, 60]"), "at most 0.5: half lengths in metres"),
        (one("type: box, size: [0.1, 0.1, 0]"), "it must be above 0"),
        (one("type: box, size: [0.1, 0.1, .nan]"), "it must be 3 numbers"),
        (one("type: box, size: [0.1, 0.1, 0.1], pos: [100, 0, 0]"), "within 0.5 of 0: metres"),
        (one("type: box, size: [0.1, 0.1, 0.1], quat: [1, 1, 0, 0]"), "of length 1, not 1.41"),
        (one("type: box, size: [0.1, 0.1, 0.1], colour: red"), "has a key 'colour'; allowed: pos, quat"),
    ],
)
def test_a_bad_set_file_is_told_in_one_line(tmp_path, text, said):
    path = tmp_path / "set.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_set(path)
    assert str(caught.value).startswith(str(path)) and said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_set_file_is_told():
    with pytest.raises(ConfigError, match="cannot read the object set nowhere.yaml: No such file"):
        read_set("nowhere.yaml")
