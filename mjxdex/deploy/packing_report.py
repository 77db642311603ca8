"""What a bin-packing session found, as JSON and as tables."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from mjxdex.deploy.bin_packing import Attempt, Conditions
from mjxdex.deploy.timing import Timing
from mjxdex.evaluation.report import wilson


@dataclass(frozen=True)
class Tally:
    """Attempts at one object, or at all of them.

    Attributes:
      name: the object, or "all".
      attempts: how many.
      success: share that ended in the bin.
      interval: 95 % Wilson interval of success.
      reasons: how often each reason for a failure came up.
      cycle_s: median time from the start of the policy until the next object could come, s.
    """

    name: str
    attempts: int
    success: float
    interval: tuple[float, float]
    reasons: dict[str, int]
    cycle_s: float


@dataclass(frozen=True)
class PackingReport:
    """A session under one set of conditions, in simulation (MuJoCo C).

    Attributes:
      policy: what was run.
      setup: objects, seed, spawn level and clock.
      conditions: of the camera.
      attempts: all of them, in order.
      timing: of the control steps.
    """

    policy: str
    setup: dict[str, str | int | bool]
    conditions: Conditions
    attempts: list[Attempt]
    timing: Timing

    @property
    def total(self) -> Tally:
        return _tally("all", self.attempts)

    @property
    def objects(self) -> list[Tally]:
        names = dict.fromkeys(attempt.object for attempt in self.attempts)
        return [_tally(name, [a for a in self.attempts if a.object == name]) for name in names]

    def as_dict(self) -> dict:
        return {
            "engine": "MuJoCo C, simulated robot and camera",
            "policy": self.policy,
            "setup": self.setup,
            "conditions": self.conditions._asdict(),
            "total": asdict(self.total),
            "objects": [asdict(row) for row in self.objects],
            "attempts": [attempt._asdict() for attempt in self.attempts],
            "timing": self.timing.as_dict(),
        }

    def table(self) -> Table:
        """Success object by object, for a terminal."""
        table = Table(title=f"{self.policy}: bin packing in simulation (MuJoCo C)", title_justify="left")
        for name in ("object", "attempts", "in the bin (95 %)", "cycle s", "failures"):
            table.add_column(name, justify="left" if name in ("object", "failures") else "right")
        for row in (*self.objects, self.total):
            failures = ", ".join(f"{count} {reason}" for reason, count in row.reasons.items())
            table.add_row(
                row.name, str(row.attempts), _share(row), f"{row.cycle_s:.1f}", failures,
                style="bold" if row.name == "all" else None,
            )  # fmt: skip
        return table


def sweep_table(reports: dict[str, PackingReport]) -> Table:
    """Success under different conditions, by their descriptions."""
    table = Table(title="bin packing in simulation (MuJoCo C)", title_justify="left")
    for name in ("conditions", "attempts", "in the bin (95 %)", "cycle s", "failures"):
        table.add_column(name, justify="left" if name in ("conditions", "failures") else "right")
    for description, report in reports.items():
        row = report.total
        failures = ", ".join(f"{count} {reason}" for reason, count in row.reasons.items())
        table.add_row(description, str(row.attempts), _share(row), f"{row.cycle_s:.1f}", failures)
    return table


def write_json(path: Path, reports: dict[str, PackingReport]) -> None:
    """Writes reports by the descriptions of their conditions; a single one without."""
    found = {description: report.as_dict() for description, report in reports.items()}
    only = next(iter(found.values())) if len(found) == 1 else found
    path.write_text(json.dumps(only, indent=2) + "\n")


def _tally(name: str, attempts: list[Attempt]) -> Tally:
    hits = sum(attempt.success for attempt in attempts)
    kinds = (attempt.reason.partition(":")[0] for attempt in attempts if not attempt.success)
    return Tally(
        name=name,
        attempts=len(attempts),
        success=hits / len(attempts),
        interval=wilson(hits, len(attempts)),
        reasons=dict(Counter(kinds).most_common()),
        cycle_s=float(np.median([attempt.cycle_s for attempt in attempts])),
    )


def _share(row: Tally) -> str:
    low, high = row.interval
    return f"{row.success:.0%} ({low:.0%}-{high:.0%})"
