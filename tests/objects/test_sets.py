import hashlib
import subprocess
import sys

import mujoco
import numpy as np
import pytest

from mjxdex import objects
from mjxdex.config import ConfigError
from mjxdex.objects.heldout import HELDOUT
from mjxdex.objects.slots import add_shape
from mjxdex.objects.training import training_objects
from mjxdex.objects.training_sizes import TRAINING_SIZES

FINGERPRINT = """
import hashlib
from mjxdex.objects import SETS
print(hashlib.sha256(repr([SETS[name]() for name in ("training", "heldout")]).encode()).hexdigest())
"""


def thickness(part) -> float:
    """Smallest extent, metres."""
    sizes = {"box": part.size, "ellipsoid": part.size, "cylinder": part.size[:2], "capsule": part.size[:1]}
    return 2 * min(sizes[part.type])


def test_every_training_object_has_its_published_size():
    training = objects.load("training")
    assert training.names == tuple(TRAINING_SIZES)
    assert len(training) == 140
    for shape in training.shapes:
        low, high = shape.bounds
        np.testing.assert_allclose(1000 * (high - low), TRAINING_SIZES[shape.name], atol=0.01)
        np.testing.assert_allclose(low + high, 0, atol=1e-9)


def test_sizes_were_copied_right():
    sizes = np.array(list(TRAINING_SIZES.values()))
    largest = sizes.max(axis=1)
    assert [largest.min(), np.median(largest), largest.max()] == pytest.approx([95, 126, 162], abs=1)
    assert TRAINING_SIZES["104738"] == (123, 60, 84)
    assert TRAINING_SIZES["ze3p8lam"] == (81, 120, 115)


def test_objects_are_the_same_in_another_process():
    here = hashlib.sha256(repr([objects.SETS[name]() for name in ("training", "heldout")]).encode())
    there = subprocess.run([sys.executable, "-c", FINGERPRINT], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here.hexdigest()


@pytest.mark.parametrize("name", ["training", "dextrah", "heldout"])
def test_slots_are_few_and_the_same_for_all_sets(name):
    expected = ("box",) * 3 + ("cylinder",) * 2 + ("capsule",) * 2 + ("ellipsoid",)
    assert objects.load(name).slot_types == expected


@pytest.mark.parametrize("name", ["training", "heldout"])
def test_parts_are_thick_and_masses_plausible(name):
    made = objects.load(name)
    assert min(thickness(part) for shape in made.shapes for part in shape.parts) > 0.0139
    assert made.mass.min() > 0.04 and made.mass.max() < 0.44
    assert 0.14 < np.median(made.mass) < 0.22


def test_dextrah_is_the_training_objects_and_the_primitives():
    names = objects.load("dextrah").names
    assert len(names) == 152
    assert list(names) == sorted({*objects.load("primitives").names, *TRAINING_SIZES})


def test_training_objects_are_of_many_families():
    families = [family for family, _ in training_objects().values()]
    assert len(set(families)) > 35
    assert max(families.count(family) for family in families) <= 6


def test_heldout_objects_are_new():
    made = objects.load("heldout")
    assert len(made) == 30
    assert (
        len(
            {family for family, _ in HELDOUT.values()} - {family for family, _ in training_objects().values()}
        )
        >= 10
    )
    sizes, seen = np.array([size for _, size in HELDOUT.values()]), np.array(list(TRAINING_SIZES.values()))
    assert sizes.min() >= seen.min() and sizes.max() <= seen.max()
    assert not set(made.names) & set(objects.load("dextrah").names)


def test_a_set_is_made_once():
    assert objects.load("training") is objects.load("training")


def test_an_unknown_name_is_answered_with_those_that_exist():
    with pytest.raises(ConfigError, match="'fruit'; existing sets: dextrah, heldout, primitives, training"):
        objects.load("fruit")


@pytest.mark.parametrize("name", ["training", "heldout"])
def test_no_part_floats_beside_the_others(name):
    for shape in objects.load(name).shapes:
        spec = mujoco.MjSpec()
        add_shape(spec.worldbody.add_body(), shape)
        model = spec.compile()
        data = mujoco.MjData(model)
        mujoco.mj_forward(model, data)
        joined, waiting = {0}, set(range(1, model.ngeom))
        while waiting:
            near = {
                j
                for j in waiting
                for i in joined
                if mujoco.mj_geomDistance(model, data, i, j, 1.0, None) < 1e-4
            }
            assert near, (shape.name, joined)
            joined, waiting = joined | near, waiting - near
