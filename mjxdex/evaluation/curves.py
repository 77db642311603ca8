"""Learning curves of runs: read, joined over their stretches, grouped over their seeds."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mjxdex import config_files
from mjxdex.config import Config, UserError
from mjxdex.runtime import metrics, run_folder
from mjxdex.runtime.milestones import Rows, seconds

POINTS = 400
"""Points of a band."""


@dataclass(frozen=True)
class Curve:
    """One run.

    Attributes:
      name: Of its folder or file.
      label: Of its group, if it was given.
      rows: Its metrics.
      config: Its configuration; None for a file of metrics.
      started_from: Of its meta.json.
    """

    name: str
    label: str | None
    rows: Rows
    config: Config | None = None
    started_from: dict[str, Any] | None = None

    def x(self, axis: str) -> np.ndarray:
        """Abscissa of each row: env steps in millions for "steps", hours for "hours"."""
        if axis == "hours":
            return np.array(seconds(self.rows)) / 3600
        return self.column("env_steps") / 1e6

    def column(self, name: str) -> np.ndarray:
        """A metric of each row, NaN where it is missing."""
        return np.array([row.get(name, np.nan) for row in self.rows])


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed only.

    Attributes:
      label: For the legend.
      curves: The runs.
    """

    label: str
    curves: list[Curve]

    def band(self, name: str, axis: str, smooth: int) -> tuple[np.ndarray, np.ndarray]:
        """A metric over the part of the abscissa that all runs cover.

        Args:
          name: Of the metric.
          axis: Of `Curve.x`.
          smooth: Rows of the running mean.

        Returns: x [P], and mean, smallest and largest of the runs [3, P].
        """
        xs = [curve.x(axis) for curve in self.curves]
        x = np.linspace(max(x[0] for x in xs), min(x[-1] for x in xs), POINTS)
        ys = [running_mean(curve.column(name), smooth) for curve in self.curves]
        y = np.stack([np.interp(x, *pair) for pair in zip(xs, ys, strict=True)])
        return x, np.stack([y.mean(axis=0), y.min(axis=0), y.max(axis=0)])


def running_mean(y: np.ndarray, rows: int) -> np.ndarray:
    """Mean of each value and up to `rows` - 1 before it."""
    sums = np.cumsum(np.concatenate([[0.0], y]))
    start = np.maximum(0, np.arange(1, len(y) + 1) - rows)
    return (sums[1:] - sums[start]) / (np.arange(1, len(y) + 1) - start)


def read(arguments: Sequence[str]) -> list[Curve]:
    """Curves of "PATH" or "LABEL=PATH" each: a run folder, a CSV file of metrics, or one of `thinned` rows.

    Raises: UserError: There are no metrics.
    """
    return [curve for argument in arguments for curve in _read(argument)]


def _read(argument: str) -> list[Curve]:
    label, separator, text = argument.rpartition("=")
    path = Path(text)
    if path.is_file():
        curves = [Curve(name, None, _timed(rows)) for name, rows in metrics.read_file(path).items()]
    else:
        config = run_folder.open_run(path)
        session = json.loads((path / "meta.json").read_text())["sessions"][0]
        started_from = session.get("started_from")
        curves = [Curve(path.resolve().name, None, metrics.read(path), config, started_from)]
    needed = {"iteration", "env_steps", "success", "adr/level", "time/iteration_s"}
    for curve in curves:
        missing = needed - set(curve.rows[0]) if curve.rows else needed
        if missing:
            raise UserError(f"{path} has no metrics of a run: {', '.join(sorted(missing))} missing")
    return [replace(curve, label=label) if separator else curve for curve in curves]


def _timed(rows: Rows) -> Rows:
    """Thinned rows with the time of an iteration too, told by the hours between them; others as they are."""
    if not rows or "hours" not in rows[0]:
        return rows
    timed, before = [], {"iteration": rows[0]["iteration"] - 1, "hours": 0.0}
    for row in rows:
        passed = 3600 * (row["hours"] - before["hours"])
        timed.append(row | {"time/iteration_s": passed / (row["iteration"] - before["iteration"])})
        before = row
    return timed


def join_stretches(curves: Sequence[Curve]) -> list[Curve]:
    """Puts each run that goes on from a bundle of another one of `curves` behind that one."""
    joined: list[Curve] = []
    for curve in sorted(curves, key=lambda curve: curve.rows[0]["iteration"]):
        origin = curve.started_from or {}
        before = [old for old in joined if origin.get("goes_on") and old.name == origin["run"]]
        if before:
            old = before[0]
            joined.remove(old)
            rows = [row for row in old.rows if row["iteration"] <= origin["iteration"]]
            curve = replace(curve, rows=[*rows, *curve.rows], label=old.label or curve.label)
        joined.append(curve)
    return joined


def group(curves: Sequence[Curve]) -> list[Group]:
    """Groups runs by their label, else by their config.

    Configs of the same name that differ are told apart by the settings that differ; runs out of files that
    have no label are groups of their own.
    """
    groups: dict[str, list[Curve]] = {}
    for curve in join_stretches(curves):
        groups.setdefault(curve.label or _label(curve, curves), []).append(curve)
    return [Group(label, members) for label, members in groups.items()]


def _label(curve: Curve, curves: Sequence[Curve]) -> str:
    if curve.config is None:
        return curve.name
    ignored = ("seed", "adr.start_level", *run_folder.MAY_CHANGE)
    here = {line: value for line, value in _settings(curve.config).items() if line not in ignored}
    namesakes = [c.config for c in curves if c.config is not None and c.config.name == curve.config.name]
    differing = [
        f"{key.rpartition('.')[2]} {value}"
        for key, value in here.items()
        if any(_settings(config)[key] != value for config in namesakes)
    ]
    return ", ".join([curve.config.name, *differing])


def _settings(config: Config) -> dict[str, Any]:
    return config_files.flatten(config_files.to_dict(config))


def thinned(curves: Sequence[Curve], columns: Sequence[str], most: int) -> list[dict[str, Any]]:
    """At most about `most` evenly spaced rows of each run, always with the first and the last.

    Returns: Rows of run, seed, iteration, env steps, hours, success, ADR level and the columns.
    """
    table = []
    columns = list(dict.fromkeys(["success", "adr/level", *columns]))
    for curve in curves:
        every = max(1, -(-len(curve.rows) // most))
        chosen = sorted({*range(0, len(curve.rows), every), len(curve.rows) - 1})
        hours = curve.x("hours")
        for i in chosen:
            row = curve.rows[i]
            table.append(
                {"run": curve.name, "seed": "" if curve.config is None else curve.config.seed}
                | {"iteration": int(row["iteration"]), "env_steps": int(row["env_steps"])}
                | {"hours": round(float(hours[i]), 4)}
                | {name: f"{row[name]:.6g}" if name in row else "" for name in columns}
            )
    return table


def write(path: Path, table: Sequence[dict[str, Any]]) -> None:
    """Writes `thinned` rows to a CSV file, which `read` takes."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
