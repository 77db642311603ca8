"""Metrics of a run: one row per logged iteration, in metrics.csv and for TensorBoard."""

import csv
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # pyright: ignore
from tensorboard.compat.proto.summary_pb2 import Summary  # pyright: ignore
from tensorboard.summary.writer.event_file_writer import EventFileWriter


class Metrics:
    """Writes metrics.csv and tensorboard/ in a run folder; every row is on disk when `write` returns.

    On resume the rows after the checkpoint's iteration are dropped, since they are about to be made again;
    so is a last line that a kill cut short.
    """

    def __init__(self, folder: Path, resumed_at: int | None = None) -> None:
        self._path = folder / "metrics.csv"
        rows = [] if resumed_at is None else [r for r in read(folder) if r["iteration"] <= resumed_at]
        self._columns = list(dict.fromkeys(name for row in rows for name in row))
        self._rewrite(rows)
        self._events = EventFileWriter(str(folder / "tensorboard"), flush_secs=10)
        if resumed_at is not None:
            restart = SessionLog(status=SessionLog.START)
            event = Event(wall_time=time.time(), step=resumed_at + 1, session_log=restart)
            self._events.add_event(event)

    def write(self, iteration: int, values: Mapping[str, float]) -> None:
        """Adds a row. A name not seen before adds a column, empty in the rows above."""
        row = {"iteration": float(iteration)} | {name: float(value) for name, value in values.items()}
        new = [name for name in row if name not in self._columns]
        if new:
            self._file.close()
            rows = read(self._path.parent)
            self._columns += new
            self._rewrite(rows)
        self._writer.writerow(_formatted(row))
        self._file.flush()
        scalars = [Summary.Value(tag=name, simple_value=float(value)) for name, value in values.items()]
        event = Event(wall_time=time.time(), step=iteration, summary=Summary(value=scalars))
        self._events.add_event(event)

    def close(self) -> None:
        """Writes out what TensorBoard has not seen yet."""
        self._file.close()
        self._events.close()

    def _rewrite(self, rows: list[dict[str, float]]) -> None:
        """Replaces the file in one piece and leaves it open at its end."""
        fresh = self._path.with_suffix(".csv.new")
        with fresh.open("w", newline="") as file:
            if self._columns:
                writer = csv.DictWriter(file, self._columns)
                writer.writeheader()
                writer.writerows(map(_formatted, rows))
        fresh.replace(self._path)
        self._file = self._path.open("a", newline="")
        self._writer = csv.DictWriter(self._file, self._columns)


def read(folder: Path) -> list[dict[str, float]]:
    """The rows of a run's metrics.csv, see `read_file`; none if it has not written any."""
    path = folder / "metrics.csv"
    return read_file(path)[path.stem] if path.exists() else []


def read_file(path: Path) -> dict[str, list[dict[str, float]]]:
    """The rows of each run in a file of metrics, without empty cells and without a last line cut short.

    Returns: By what a column "run" says; without one all are a run with the file's name.
    """
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    runs: dict[str, list[dict[str, float]]] = {}
    for row in csv.DictReader(whole.splitlines()):
        rows = runs.setdefault(row.pop("run", path.stem), [])
        rows.append({name: float(value) for name, value in row.items() if value})
    return runs or {path.stem: []}


def _formatted(row: Mapping[str, float]) -> dict[str, str]:
    return {name: str(int(value) if value.is_integer() else value) for name, value in row.items()}
