"""What the comparison of two engines makes of their results."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from mjxdex.config import UserError
from mjxdex.deploy import gap
from mjxdex.deploy.gap import CELL, MJX, Settings
from mjxdex.deploy.gap_report import Half, Share, compare, half_table, newcombe, write_json
from mjxdex.evaluation.report import result, wilson

RUN = {"config": "toy", "adr_level": 3, "objects": "primitives", "level": 0}


def row(name: str, ends: list[bool]):
    """An object whose episodes of two steps end in the goal region or not; the last of them loses it."""
    success = np.zeros((2, len(ends)), bool)
    success[1] = ends
    done = np.zeros((2, len(ends)), bool)
    done[0, -1] = True
    return result(name, success, done, 1 / 60)


def half(engine: str, **ends: list[bool]) -> Half:
    return Half(
        engine, RUN, 2, [row(name, list(found)) for name, found in ends.items()], {"cup": ["stuck: a"]}
    )


def test_difference_of_a_textbook_case():
    a, b = Share(56 / 70, wilson(56, 70)), Share(48 / 80, wilson(48, 80))
    assert newcombe(a, b) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_counts_episodes_and_objects():
    mjx = half(MJX, cup=[True, True], pan=[False, True, False], can=[True], mug=[False])
    cell = half(CELL, cup=[True], pan=[True], can=[False])
    held = compare(mjx, cell).measures["held_at_end"]
    assert held.mjx == Share(4 / 6, wilson(4, 6)), "only objects that both have"
    assert held.cell == Share(2 / 3, wilson(2, 3))
    assert held.difference == pytest.approx(0)
    assert held.agreement == {"both": 1, "MJX-Warp only": 1, "MuJoCo C only": 1, "neither": 0}
    lost = compare(mjx, cell).measures["lost"]
    assert (lost.mjx.value, lost.cell.value) == (3 / 6, 1)
    assert half_table(cell).caption == "robot stopped in 1 episodes: 1 stuck"


def test_says_that_one_world_is_easier():
    for mjx_run, said in (({}, True), ({"places_only": True}, False), ({"level": 0}, False)):
        mjx, cell = half(MJX, cup=[True]), half(CELL, cup=[True])
        run = RUN | {"level": 17} | mjx_run
        caption = compare(replace(mjx, run=run), replace(cell, run=run)).table().caption
        assert (caption is not None) == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"run": RUN | {"level": 17}}, "level is 17 in MJX-Warp and 0 in MuJoCo C"),
        ({"run": RUN | {"config": "other"}}, "config is 'other'"),
        ({"control_steps": 600}, "episodes of 600 control steps"),
    ],
)
def test_other_conditions_do_not_compare(change, said):
    with pytest.raises(UserError, match=said):
        compare(replace(half(MJX, cup=[True]), **change), half(CELL, cup=[True]))


def test_files_of_both_halves(tmp_path):
    mjx, cell = half(MJX, cup=[True]), half(CELL, cup=[False])
    (tmp_path / "mjx.json").write_text(json.dumps(asdict(mjx)))
    write_json(tmp_path / "gap.json", cell, compare(mjx, cell))
    assert gap.read_cell(tmp_path / "gap.json").success == 0
    assert gap.read_mjx(tmp_path / "mjx.json").share("held_at_end").value == 1
    found = json.loads((tmp_path / "gap.json").read_text())
    assert found["gap"]["held_at_end"]["difference"] == -1
    with pytest.raises(UserError, match="has no results of MuJoCo C"):
        gap.read_cell(tmp_path / "mjx.json")
    with pytest.raises(UserError, match="is no JSON file"):
        (tmp_path / "none.json").write_text("{")
        gap.read_mjx(tmp_path / "none.json")


def test_plays_what_the_other_half_played(policy_file):
    like = Half(MJX, RUN | {"level": 5}, 3, [], {})
    found = gap.play(Settings(policy_file, limit=2, trials=2, processes=2), like)
    assert found.run["level"] == 5 and found.run["adr_level"] == 20 and found.control_steps == 3
    assert [(one.name, one.envs) for one in found.objects] == [("large_12_cuboid", 2), ("large_12_cyl", 2)]
    assert found.share("lost").value == 0
