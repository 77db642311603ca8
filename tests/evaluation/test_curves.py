"""Learning curves: what is read off them, how runs are joined and grouped, and the picture."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
import pytest
from rich.console import Console

from mjxdex import config_files
from mjxdex.config import Config, PpoConfig, UserError
from mjxdex.evaluation import curves
from mjxdex.evaluation.curves_picture import PANELS, STUDENT_PANELS, curves_picture, panels
from mjxdex.evaluation.milestones_table import table
from mjxdex.runtime.metrics import Metrics
from mjxdex.runtime.milestones import milestones, seconds

CONFIG = Config(name="toy")


def rows(count: int, every: int = 1, start: int = 0, slope: float = 0.01) -> list[dict[str, float]]:
    iterations = [1, *range(every, count + 1, every)] if every > 1 else range(start + 1, count + 1)
    return [
        {name: float(i) for name, _ in PANELS}
        | {"iteration": i, "env_steps": 100.0 * i, "success": slope * i, "adr/level": min(50, i // 2)}
        | {"time/iteration_s": 60.0 if i == 1 else 2.0}
        for i in iterations
    ]


def run(folder: Path, values: list[dict[str, float]], config: Config = CONFIG, **session: Any) -> str:
    folder.mkdir()
    config_files.save(config, folder / "config.yaml")
    (folder / "meta.json").write_text(json.dumps({"sessions": [session]}))
    writer = Metrics(folder)
    for row in values:
        writer.write(int(row["iteration"]), {name: row[name] for name in row if name != "iteration"})
    writer.close()
    return str(folder)


def test_milestones():
    found = milestones(rows(60))
    assert found.env_steps == 6000 and found.seconds == 60 + 59 * 2
    assert found.adr_increment == 0.6 and not found.full_adr
    assert found.success == pytest.approx(np.mean([0.55, 0.56, 0.57, 0.58, 0.59, 0.6]))
    assert found.best_success == pytest.approx(0.6)
    assert found.first_env_steps == 4000 and found.first_seconds == 60 + 39 * 2
    assert milestones(rows(100)).full_adr
    early = milestones(rows(39))
    assert early.first_env_steps is None and early.first_seconds is None
    with pytest.raises(UserError, match="no metrics yet"):
        milestones([])


def test_success_with_light_objects_is_no_milestone():
    light = [row | {"adr/level": min(0, int(row["iteration"]) - 51)} for row in rows(60)]
    found = milestones(light)
    assert found.first_env_steps == 5100 and found.adr_increment == 0
    early = milestones(light[:50])
    assert early.first_env_steps is None and early.best_success == early.success == early.adr_increment == 0


def test_iterations_that_were_not_logged_take_time_too():
    assert seconds(rows(30, every=10)) == [60, 60 + 9 * 2, 60 + 19 * 2, 60 + 29 * 2]


def test_runs_are_grouped_by_what_differs_besides_the_seed(tmp_path):
    slow = replace(CONFIG, ppo=PpoConfig(learning_rate=1e-5))
    arguments = [
        run(tmp_path / "a", rows(10), CONFIG),
        run(tmp_path / "b", rows(20, slope=0.03), replace(CONFIG, seed=2)),
        run(tmp_path / "c", rows(10), slow),
        "other=" + run(tmp_path / "d", rows(10), replace(CONFIG, seed=3)),
    ]
    groups = curves.group(curves.read(arguments))
    assert {g.label: [c.name for c in g.curves] for g in groups} == {
        "toy, learning_rate 0.0001": ["a", "b"],
        "toy, learning_rate 1e-05": ["c"],
        "other": ["d"],
    }
    x, (mean, low, high) = groups[0].band("success", "steps", 1)
    assert x[0] == pytest.approx(1e-4) and x[-1] == pytest.approx(1e-3)  # what both cover, in millions
    assert (mean[-1], low[-1], high[-1]) == pytest.approx((0.2, 0.1, 0.3))


def test_a_run_that_goes_on_is_drawn_behind_the_one_before(tmp_path):
    origin = {"goes_on": True, "run": "first", "iteration": 8}
    second = run(tmp_path / "second", rows(20, start=8), started_from=origin)
    first = run(tmp_path / "first", rows(10))
    (group,) = curves.group(curves.read([second, first]))
    (curve,) = group.curves
    assert [row["iteration"] for row in curve.rows] == list(range(1, 21))
    new = run(tmp_path / "new", rows(5), started_from=origin | {"goes_on": False})
    assert len(curves.join_stretches(curves.read([first, new]))) == 2


def test_running_mean():
    np.testing.assert_allclose(curves.running_mean(np.array([1.0, 3, 5, 9]), 2), [1, 2, 4, 7])


def test_thinned_rows_keep_both_ends(tmp_path):
    table = curves.thinned(curves.read([run(tmp_path / "a", rows(95))]), ["success", "nothing"], 10)
    assert len(table) <= 11
    assert (table[0]["iteration"], table[-1]["iteration"]) == (1, 95)
    assert table[-1] == {"run": "a", "seed": 42, "iteration": 95, "env_steps": 9500, "hours": 0.0689,
                         "success": "0.95", "adr/level": "47", "nothing": ""}  # fmt: skip


def test_thinned_rows_in_a_file_are_runs_again(tmp_path):
    arguments = [run(tmp_path / "a", rows(95)), run(tmp_path / "b", rows(40, every=10))]
    path = tmp_path / "rows.csv"
    curves.write(path, curves.thinned(curves.read(arguments), [], 1000))
    a, b = curves.read([str(path)])
    assert (a.name, len(a.rows), b.name, len(b.rows)) == ("a", 95, "b", 5)
    for again, argument in ((a, arguments[0]), (b, arguments[1])):
        (curve,) = curves.read([argument])
        np.testing.assert_allclose(again.x("hours"), curve.x("hours"), atol=5e-5)
        found, expected = milestones(again.rows), milestones(curve.rows)
        assert (found.success, found.first_env_steps) == (expected.success, expected.first_env_steps)
    assert [group.label for group in curves.group([a, b])] == ["a", "b"]
    (labelled,) = curves.group(curves.read([f"both={path}"]))
    assert labelled.label == "both" and len(labelled.curves) == 2


def test_picture_and_table(tmp_path):
    arguments = [
        run(tmp_path / f"run{seed}", rows(100, slope=0.002 * seed), replace(CONFIG, seed=seed))
        for seed in (1, 4)
    ]
    groups = curves.group(curves.read(arguments))
    picture = curves_picture(groups, "hours", smooth=3)
    assert picture.shape[2] == 3 and picture.dtype == np.uint8
    blue = np.abs(picture.astype(int) - (31, 119, 180)).sum(axis=2) < 30
    assert blue.sum() > 500  # the first group's colour
    imageio.imwrite(tmp_path / "curves.png", picture)
    console = Console(record=True, width=140)
    console.print(table(groups))
    text = console.export_text()
    assert "toy: 2 seeds, mean" in text and "100%" in text and "at full ADR" in text and "(1 of 2)" in text


def test_long_names_stay_inside_the_picture(tmp_path):
    arguments = [run(tmp_path / name, rows(5)) for name in "abc"]
    named = [f"{'a long name ' * 7}{i}={argument}" for i, argument in enumerate(arguments)]
    legend = curves_picture(curves.group(curves.read(named)), "steps", smooth=1)[-70:]
    assert legend.min() < 100 and legend[:, :4].min() == legend[:, -4:].min() == 255


def test_students_have_panels_of_their_own(tmp_path):
    learned = [row | {name: 0.5 for name, _ in STUDENT_PANELS} for row in rows(5)]
    student, policy = curves.read([run(tmp_path / "student", learned), run(tmp_path / "policy", rows(5))])
    assert panels(curves.group([student])) is STUDENT_PANELS
    assert panels(curves.group([policy])) is panels(curves.group([student, policy])) is PANELS
    assert curves_picture(curves.group([student]), "steps", smooth=1).std() > 0


def test_what_is_no_run(tmp_path):
    path = tmp_path / "table.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["iteration", "success"], [1, 0.5]])
    with pytest.raises(UserError, match="adr/level, env_steps, time/iteration_s missing"):
        curves.read([str(path)])
    with pytest.raises(UserError, match="there is no run in"):
        curves.read([str(tmp_path / "nothing")])
    path.write_text("run,seed,iteration,env_steps,hours,success,adr/level\n")
    with pytest.raises(UserError, match="has no metrics of a run"):
        curves.read([str(path)])
