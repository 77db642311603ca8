"""What a run shows while it runs: a progress bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from mjxdex.config import Config

SECONDS_BETWEEN_LINES = 10.0
RECENT = 20
"""Iterations over which the speed is averaged."""

WARP_HINT = "on a machine's first run Warp compiles kernels: half a minute to two"


class Progress:
    """Iteration, env steps/s, success, ADR level and time left, as a context manager.

    Args:
      config: the run's config.
      start: iterations done before.
      console: where to show it; standard output by default. Other lines have to go through it too, while
        the bar is shown.
    """

    def __init__(self, config: Config, start: int = 0, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._total = config.runtime.iterations
        self._steps = config.env.num_envs * config.ppo.horizon
        self._times: list[tuple[int, float]] = []
        self._last_line = 0.0
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=self._total, completed=start, text="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, iteration: int, row: Mapping[str, float]) -> None:
        """Shows that `iteration` is done.

        Args:
          iteration: counted from 1.
          row: its metrics; `success` and `adr/level` are shown.
        """
        now = time.monotonic()
        self._times = [*self._times[-RECENT:], (iteration, now)]
        text = (
            self._speed()
            + f"success {row['success']:.1%} · ADR {row['adr/level']:.0f}"
            + self._left(iteration)
        )
        self._bar.update(self._task, completed=iteration, text=text)
        due = now - self._last_line >= SECONDS_BETWEEN_LINES or iteration == self._total
        if due and not self.console.is_terminal:
            self._last_line = now
            self.console.print(f"iteration {iteration}/{self._total} · {text}")

    @contextmanager
    def compiling(self, name: str) -> Iterator[None]:
        """Says that the program `name` is compiled while its first run goes on, and how long it took."""
        start = time.monotonic()
        hint = f" ({WARP_HINT})" if name in ("physics", "render") else ""
        self._bar.update(self._task, text=f"compiling {name}")
        self.console.print(f"compiling {name}{hint}")
        yield
        self.console.print(f"compiled {name} in {time.monotonic() - start:.1f} s")

    def _seconds_per_iteration(self) -> float | None:
        """Over the recent iterations; the first one since the start compiles and does not count."""
        if len(self._times) < 2:
            return None
        (first, begin), (last, end) = self._times[0], self._times[-1]
        return (end - begin) / (last - first)

    def _speed(self) -> str:
        seconds = self._seconds_per_iteration()
        return f"{self._steps / seconds:,.0f} env steps/s · " if seconds else ""

    def _left(self, iteration: int) -> str:
        seconds = self._seconds_per_iteration()
        return f" · {duration((self._total - iteration) * seconds)} left" if seconds else ""


def duration(seconds: float) -> str:
    """A length of time to two units: "3 d 4 h", "2 h 5 min", "40 s"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
