"""How long the parts of a control step take, and whether its deadline was met."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from rich.table import Table


class Part(NamedTuple):
    """Milliseconds of a part of the control step over `count` steps that had it."""

    count: int
    median: float
    p99: float
    worst: float


class Timing:
    """Durations of control steps, in real time whatever clock the loop runs on.

    Args:
      period: s between two control steps, and the time in which one has to be done.
    """

    def __init__(self, period: float) -> None:
        self.period = period
        self._durations: dict[str, list[float]] = defaultdict(list)
        self._late: list[float] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measures a part of a step."""
        start = time.perf_counter()
        yield
        self._durations[name].append(time.perf_counter() - start)

    def step(self, duration: float, late: float) -> None:
        """Notes a whole step: how long it took, and how long after its due time it was done, s."""
        self._durations["step"].append(duration)
        self._late.append(late)

    @property
    def steps(self) -> int:
        return len(self._late)

    @property
    def misses(self) -> int:
        """Steps that were done later than one period after they were due."""
        return int((np.array(self._late) > self.period).sum())

    def parts(self) -> dict[str, Part]:
        found = {}
        for name, seconds in self._durations.items():
            ms = 1e3 * np.array(seconds)
            found[name] = Part(len(ms), float(np.median(ms)), float(np.percentile(ms, 99)), float(ms.max()))
        return found

    def as_dict(self) -> dict:
        return {
            "period_ms": 1e3 * self.period,
            "steps": self.steps,
            "deadline_misses": self.misses,
            "parts_ms": {name: part._asdict() for name, part in self.parts().items()},
        }

    def table(self) -> Table:
        """The durations for a terminal."""
        share = self.misses / max(1, self.steps)
        table = Table(
            title=f"{self.steps} control steps, {self.misses} deadlines missed ({share:.2%})",
            title_justify="left",
        )
        for name in ("part", "steps", "median ms", "99 % ms", "worst ms"):
            table.add_column(name, justify="left" if name == "part" else "right")
        for name, part in self.parts().items():
            table.add_row(name, str(part.count), f"{part.median:.2f}", f"{part.p99:.2f}", f"{part.worst:.2f}")
        return table
