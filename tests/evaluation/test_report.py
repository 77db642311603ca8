import json
from types import SimpleNamespace

import numpy as np
import pytest

from mjxdex.config import PhysicsConfig
from mjxdex.evaluation.report import summarize, wilson

CUBE_AND_CAN = SimpleNamespace(name="toys", names=("cube", "can"))
PHYSICS = PhysicsConfig(timestep=0.05, substeps=2)
TRAINING = {"adr_increment": 0.3, "first_env_steps": None}
POLICY = SimpleNamespace(
    config=SimpleNamespace(name="toy", physics=PHYSICS), iteration=7, adr_level=15, training=TRAINING
)


def test_wilson_interval_of_a_textbook_case():
    assert wilson(8, 10) == pytest.approx((0.490, 0.943), abs=1e-3)
    assert wilson(0, 10) == pytest.approx((0.0, 0.278), abs=1e-3)


def test_counts_by_object():
    success = np.zeros((10, 4), bool)
    success[5:, 0] = True  # cube, held to the end
    success[2:4, 1] = True  # can, reached and dropped
    done = np.zeros((10, 4), bool)
    done[-1] = True  # the time limit is no loss
    done[4, 1] = True
    report = summarize(success, done, CUBE_AND_CAN, POLICY, 5)  # pyright: ignore[reportArgumentType]
    cube, can = report.objects
    assert (cube.name, cube.envs, cube.success, cube.reached, cube.held_at_end, cube.lost) == (
        "cube", 2, 0.25, 0.5, 0.5, 0.0,
    )  # fmt: skip
    assert (can.success, can.reached, can.held_at_end, can.lost) == (0.1, 0.5, 0.0, 0.5)
    assert report.total.success == pytest.approx(7 / 40)
    assert (cube.first_s, can.first_s) == (pytest.approx(0.6), pytest.approx(0.3))
    assert report.total.first_s == pytest.approx(0.45)


def test_a_students_guesses_by_object():
    success = np.zeros((2, 4), bool)
    error = np.array([[0.01, 0.1, 0.03, 0.1], [0.01, 0.1, 0.03, 0.3]])
    report = summarize(success, success, CUBE_AND_CAN, POLICY, 5, error)  # pyright: ignore[reportArgumentType]
    found = [row.object_pos_error_cm for row in (*report.objects, report.total)]
    assert found == pytest.approx([2.0, 15.0, 8.5])


def test_actions_that_ask_for_more_than_there_is():
    success = np.zeros((2, 4), bool)
    actions = np.zeros((2, 4, 11))
    actions[:, :, 2] = -1.3  # palm z
    actions[0, 0, 10] = 1.01
    report = summarize(success, success, CUBE_AND_CAN, POLICY, 5, actions=actions)  # pyright: ignore[reportArgumentType]
    assert report.out_of_range["palm z"] == 1 and report.out_of_range["hand 5"] == 1 / 8
    assert sum(report.out_of_range.values()) == 1 + 1 / 8
    assert report.table().caption == "actions out of range: palm z 100%, hand 5 12%"


def test_json(tmp_path):
    success = np.ones((3, 2), bool)
    path = tmp_path / "report.json"
    summarize(success, ~success, CUBE_AND_CAN, POLICY, 5).write_json(path)  # pyright: ignore[reportArgumentType]
    found = json.loads(path.read_text())
    assert found["total"]["object_pos_error_cm"] is None
    assert found["total"]["success"] == 1.0 and found["run"]["level"] == 5
    assert found["run"]["adr_increment"] == 0.3 and found["training"] == TRAINING

    summarize(~success, success, CUBE_AND_CAN, POLICY, 5).write_json(path)  # pyright: ignore[reportArgumentType]
    assert json.loads(path.read_text())["total"]["first_s"] is None
