"""Metrics survive kills and resumes."""

import math
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mjxdex.runtime.metrics import Metrics, read


def write(folder: Path, iterations: range, resumed_at: int | None = None, value: float = 0.5) -> None:
    metrics = Metrics(folder, resumed_at)
    for iteration in iterations:
        metrics.write(iteration, {"success": value, "reward": iteration / 3})
    metrics.close()


def test_values_come_back_exactly(tmp_path: Path) -> None:
    write(tmp_path, range(1, 4))
    assert read(tmp_path) == [{"iteration": i, "success": 0.5, "reward": i / 3} for i in range(1, 4)]
    assert (tmp_path / "metrics.csv").read_text().splitlines()[0] == "iteration,success,reward"


def test_every_row_is_there_at_once(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    metrics.write(1, {"a": 1.0, "b": math.inf})
    assert read(tmp_path) == [{"iteration": 1, "a": 1, "b": math.inf}]
    metrics.close()


def test_a_new_name_adds_a_column(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    metrics.write(1, {"a": 1.0})
    metrics.write(2, {"a": 2.0, "time/render_ms": 3.0})
    metrics.write(3, {"a": 4.0})
    metrics.close()
    rows = [{"iteration": 1, "a": 1}, {"iteration": 2, "a": 2, "time/render_ms": 3}, {"iteration": 3, "a": 4}]
    assert read(tmp_path) == rows
    write(tmp_path, range(3, 4), resumed_at=2)
    assert read(tmp_path)[:2] == rows[:2]


def test_resume_drops_what_comes_after_the_checkpoint(tmp_path: Path) -> None:
    write(tmp_path, range(1, 8))
    write(tmp_path, range(5, 7), resumed_at=4, value=0.75)
    assert [row["iteration"] for row in read(tmp_path)] == [1, 2, 3, 4, 5, 6]
    assert [row["success"] for row in read(tmp_path)] == [0.5] * 4 + [0.75] * 2

    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Scalars("success")
    assert [(event.step, event.value) for event in events] == [(i, 0.5) for i in range(1, 5)] + [
        (5, 0.75),
        (6, 0.75),
    ]


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, range(1, 4))
    path = tmp_path / "metrics.csv"
    path.write_text(path.read_text() + "4,0.5,1.3")
    assert len(read(tmp_path)) == 3
    write(tmp_path, range(4, 5), resumed_at=4)
    assert [row["reward"] for row in read(tmp_path)] == [1 / 3, 2 / 3, 1, 4 / 3]
