import mujoco
import numpy as np
import pytest

from mjxdex import objects
from mjxdex.objects import Part, Shape, compile_set
from mjxdex.objects.shapes import cuboid, cylinder


def test_masses_are_those_of_the_published_primitives():
    loaded = objects.load("primitives")
    expected = {
        "large_12_cuboid": 0.360, "large_12_cyl": 0.2827, "large_8_cuboid": 0.256, "large_8_cyl": 0.2011,
        "large_5_cuboid": 0.150, "large_5_cyl": 0.1178, "small_12_cuboid": 0.045, "small_12_cyl": 0.0353,
        "small_8_cuboid": 0.032, "small_8_cyl": 0.0251, "small_5_cuboid": 0.01875, "small_5_cyl": 0.0147,
    }  # fmt: skip
    assert list(loaded.names) == sorted(expected)
    np.testing.assert_allclose(loaded.mass, [expected[name] for name in loaded.names], atol=5e-5)


def test_inertia_of_box_and_cylinder():
    made = compile_set("two", (cuboid("box", 20, 40, 60), cylinder("rod", 30, 80)))
    box, rod = made.mass
    assert box == pytest.approx(500 * 0.02 * 0.04 * 0.06)
    assert rod == pytest.approx(500 * np.pi * 0.015**2 * 0.08)
    full = [_inertia_matrix(made, k) for k in range(2)]
    expected = [
        box / 12 * np.diag([0.04**2 + 0.06**2, 0.02**2 + 0.06**2, 0.02**2 + 0.04**2]),
        rod / 12 * np.diag([3 * 0.015**2 + 0.08**2, 3 * 0.015**2 + 0.08**2, 6 * 0.015**2]),
    ]
    np.testing.assert_allclose(full, expected, rtol=1e-6, atol=1e-12)


def test_slots_are_as_many_as_the_most_demanding_object_needs():
    hammer = Shape(
        "hammer",
        (
            Part("cylinder", (0.01, 0.06, 0), pos=(0, 0, -0.06)),
            Part("box", (0.02, 0.05, 0.02)),
            Part("box", (0.01, 0.01, 0.01), pos=(0, 0.06, 0)),
        ),
    )
    made = compile_set("mixed", (hammer, cylinder("rod", 30, 80)))
    assert made.slot_types == ("box", "box", "cylinder")
    np.testing.assert_allclose(made.geom["geom_size"][0], [[0.02, 0.05, 0.02], [0.01] * 3, [0.01, 0.06, 0]])
    np.testing.assert_allclose(made.geom["geom_pos"][0, 2], [0, 0, -0.06])
    np.testing.assert_allclose(made.geom["geom_size"][1, 2], [0.015, 0.04, 0])
    assert (made.geom["geom_size"][1, :2] < 1e-4).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: objects.load("fruit"), "'fruit'; existing sets: dextrah"),
        (lambda: compile_set("none", ()), "empty"),
        (lambda: compile_set("twins", (cuboid("a", 1, 1, 1),) * 2), "two objects called 'a'"),
        (lambda: Part("cone", (1, 1, 1)), "'cone'; allowed: box, cylinder, capsule, ellipsoid"),
    ],
)
def test_errors_say_what_is_allowed(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def _inertia_matrix(made, k):
    rot = np.zeros(9)
    mujoco.mju_quat2Mat(rot, made.body["body_iquat"][k])
    rot = rot.reshape(3, 3)
    return rot @ np.diag(made.body["body_inertia"][k]) @ rot.T
