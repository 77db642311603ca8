"""The sim-to-sim gap: one policy's success in two engines side by side."""

import json
import math
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from mjxdex.config import UserError
from mjxdex.evaluation.report import ObjectResult, wilson

MJX, CELL = "MJX-Warp", "MuJoCo C"
"""The engines."""
MEASURES = {"held_at_end": "held at the end", "reached": "brought there at all", "lost": "lost"}
"""Shares of episodes, by their fields of ObjectResult."""


@dataclass(frozen=True)
class Half:
    """What a policy did in one engine.

    Attributes:
      engine: its name.
      run: policy and settings, as in `evaluation.report.Report`.
      control_steps: length of the episodes.
      objects: one row an object.
      stops: why `safety` stopped the robot, by object, the first reason of each episode in which it did.
    """

    engine: str
    run: dict[str, Any]
    control_steps: int
    objects: list[ObjectResult]
    stops: dict[str, list[str]]

    def among(self, names: set[str]) -> "Half":
        """Only these objects."""
        rows = [row for row in self.objects if row.name in names]
        stops = {name: reasons for name, reasons in self.stops.items() if name in names}
        return Half(self.engine, self.run, self.control_steps, rows, stops)

    @property
    def episodes(self) -> int:
        return sum(row.envs for row in self.objects)

    def share(self, measure: str) -> "Share":
        hits = sum(round(getattr(row, measure) * row.envs) for row in self.objects)
        return Share(hits / self.episodes, wilson(hits, self.episodes))

    @property
    def success(self) -> float:
        """Share of control steps with the object in the goal region."""
        return sum(row.success * row.envs for row in self.objects) / self.episodes


class Share(NamedTuple):
    """A share of episodes and its 95 % Wilson interval."""

    value: float
    interval: tuple[float, float]

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.1%} ({low:.0%}-{high:.0%})"


@dataclass(frozen=True)
class Measure:
    """One measure in both engines.

    Attributes:
      mjx, cell: in MJX-Warp, and in the cell of MuJoCo C.
      difference: the cell's less that of MJX-Warp, as a share.
      interval: of it, 95 %, for independent episodes. Source: Newcombe 1998, method 10.
      agreement: objects by what most of their episodes did (a half counts): "both", "MJX-Warp only",
        "MuJoCo C only", "neither".
    """

    mjx: Share
    cell: Share
    difference: float
    interval: tuple[float, float]
    agreement: dict[str, int]


@dataclass(frozen=True)
class Gap:
    """Attributes:
    mjx, cell: halves with the same objects.
    measures: by the names of MEASURES.
    """

    mjx: Half
    cell: Half
    measures: dict[str, Measure]

    def table(self) -> Table:
        """Both halves for a terminal."""
        run = self.cell.run
        title = (
            f"{run['config']}: {len(self.cell.objects)} objects of {run['objects']}, ADR level "
            f"{run['level']}; episodes: {self.mjx.episodes} in {MJX}, {self.cell.episodes} in {CELL}"
        )
        table = Table(title=title, title_justify="left")
        for name in ("", f"{MJX} (95 %)", f"{CELL} (95 %)", "difference (95 %)", "both / MJX / C / none"):
            table.add_column(name, justify="right" if name else "left")
        for name, measure in self.measures.items():
            low, high = (100 * end for end in measure.interval)
            table.add_row(
                MEASURES[name],
                str(measure.mjx),
                str(measure.cell),
                f"{100 * measure.difference:+.1f} points ({low:+.0f} to {high:+.0f})",
                " / ".join(str(count) for count in measure.agreement.values()),
            )
        difference = 100 * (self.cell.success - self.mjx.success)
        table.add_row(
            "in the goal region, of all steps",
            f"{self.mjx.success:.1%}", f"{self.cell.success:.1%}", f"{difference:+.1f} points", "",
        )  # fmt: skip
        if run["level"] and not self.mjx.run.get("places_only"):
            table.caption = (
                f"{self.mjx.engine} had noise, pushes and other physics, {self.cell.engine} not; "
                "evaluate.py --places-only leaves them out"
            )
        return table


def compare(mjx: Half, cell: Half) -> Gap:
    """Puts two halves side by side, as far as their objects are the same.

    Raises:
      UserError: they were not made under the same conditions.
    """
    for key in ("config", "adr_level", "objects", "level"):
        if mjx.run[key] != cell.run[key]:
            raise UserError(
                f"{key} is {mjx.run[key]!r} in {mjx.engine} and {cell.run[key]!r} in {cell.engine}; the same "
                "policy has to meet the same objects at the same level"
            )
    if mjx.control_steps != cell.control_steps:
        raise UserError(
            f"episodes of {mjx.control_steps} control steps in {mjx.engine} and of {cell.control_steps} in "
            f"{cell.engine} do not compare"
        )
    names = {row.name for row in mjx.objects} & {row.name for row in cell.objects}
    mjx, cell = mjx.among(names), cell.among(names)
    return Gap(mjx, cell, {name: _measure(name, mjx, cell) for name in MEASURES})


def _measure(name: str, mjx: Half, cell: Half) -> Measure:
    a, b = mjx.share(name), cell.share(name)
    there = {row.name: getattr(row, name) >= 0.5 for row in mjx.objects}
    pairs = Counter((there[row.name], getattr(row, name) >= 0.5) for row in cell.objects)
    return Measure(
        mjx=a,
        cell=b,
        difference=b.value - a.value,
        interval=newcombe(b, a),
        agreement={
            "both": pairs[True, True],
            f"{MJX} only": pairs[True, False],
            f"{CELL} only": pairs[False, True],
            "neither": pairs[False, False],
        },
    )


def newcombe(a: Share, b: Share) -> tuple[float, float]:
    """95 % interval of a's value less b's. Source: Newcombe 1998, method 10."""
    down = math.hypot(a.value - a.interval[0], b.interval[1] - b.value)
    up = math.hypot(a.interval[1] - a.value, b.value - b.interval[0])
    return a.value - b.value - down, a.value - b.value + up


def half_table(half: Half) -> Table:
    """One engine, object by object, for a terminal."""
    title = (
        f"{half.run['config']} in {half.engine}: {half.run['objects']}, ADR level {half.run['level']}, "
        f"{half.episodes} episodes"
    )
    table = Table(title=title, title_justify="left")
    for name in ("object", "episodes", "in the goal region", *MEASURES.values()):
        table.add_column(name, justify="left" if name == "object" else "right")
    for row in half.objects:
        shares = (f"{getattr(row, name):.0%}" for name in MEASURES)
        table.add_row(row.name, str(row.envs), f"{row.success:.1%}", *shares)
    totals = (str(half.share(name)) for name in MEASURES)
    table.add_row("all", str(half.episodes), f"{half.success:.1%}", *totals, style="bold")
    kinds = Counter(reason.partition(":")[0] for reasons in half.stops.values() for reason in reasons)
    if kinds:
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        table.caption = f"robot stopped in {kinds.total()} episodes: {counts}"
    return table


def write_json(path: Path, cell: Half, gap: Gap | None) -> None:
    """Writes the cell's results and, if there are two halves, how they compare."""
    measures = {} if gap is None else {name: asdict(measure) for name, measure in gap.measures.items()}
    path.write_text(json.dumps({"cell": asdict(cell), "gap": measures}, indent=2) + "\n")
