"""What an evaluation found: success as the paper measures it, over all envs and object by object."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from mjxdex.objects import ObjectSet

if TYPE_CHECKING:
    from mjxdex.runtime.trained import TrainedPolicy

Z_95 = 1.959964


@dataclass(frozen=True)
class ObjectResult:
    """One object, or all of them.

    Attributes:
      name: The object.
      envs: Envs that held it, one episode each.
      success: Share of all control steps and envs with the object in the goal region, the paper's
        instantaneous success rate. An env whose object is lost starts anew and counts on.
      reached: Share of envs whose object was in the goal region at some time.
      held_at_end: Share of envs whose object is there in the last control step, the one that ends a 10 s
        episode.
      held_interval: 95 % Wilson interval of held_at_end.
      lost: Share of envs that lost their object at least once (out of reach, or fallen off).
    """

    name: str
    envs: int
    success: float
    reached: float
    held_at_end: float
    held_interval: tuple[float, float]
    lost: float


@dataclass(frozen=True)
class Report:
    """Attributes:
    run: Configuration, iteration and ADR level behind the policy; object set and ADR level of the evaluation.
    control_steps: Length of the episodes, at 60 Hz.
    total: All envs.
    objects: One row an object.
    """

    run: dict[str, str | int]
    control_steps: int
    total: ObjectResult
    objects: list[ObjectResult]

    def write_json(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    def table(self) -> Table:
        """The results for a terminal."""
        run = self.run
        title = (
            f"{run['config']}, iteration {run['iteration']}, trained to ADR level {run['adr_level']}; "
            f"here: {run['objects']}, level {run['level']}"
        )
        table = Table(title=title, title_justify="left")
        for name in ("object", "envs", "success", "reached", "held at end (95 %)", "lost"):
            table.add_column(name, justify="left" if name == "object" else "right")
        for row in (*self.objects, self.total):
            low, high = row.held_interval
            table.add_row(
                row.name,
                str(row.envs),
                f"{row.success:.1%}",
                f"{row.reached:.1%}",
                f"{row.held_at_end:.1%} ({low:.0%}-{high:.0%})",
                f"{row.lost:.1%}",
                style="bold" if row is self.total else None,
            )
        return table


def summarize(
    success: np.ndarray, done: np.ndarray, objects: ObjectSet, policy: TrainedPolicy, level: int
) -> Report:
    """Counts per object; env i holds object i modulo their number.

    Args:
      success: bool [T, N], the object is in the goal region.
      done: bool [T, N], the episode ended; at the last step that is the time limit, before it a loss.
      objects: The set.
      policy: For the heading.
      level: ADR level of the evaluation, for the heading.
    """
    names = objects.names
    held = np.arange(success.shape[1]) % len(names)
    rows = [
        _result(name, success[:, held == i], done[:, held == i])
        for i, name in enumerate(names)
        if (held == i).any()
    ]
    return Report(
        run={
            "config": policy.config.name,
            "iteration": policy.iteration,
            "adr_level": policy.adr_level,
            "objects": objects.name,
            "level": level,
        },
        control_steps=success.shape[0],
        total=_result("all", success, done),
        objects=rows,
    )


def _result(name: str, success: np.ndarray, done: np.ndarray) -> ObjectResult:
    at_end = success[-1]
    return ObjectResult(
        name=name,
        envs=success.shape[1],
        success=float(success.mean()),
        reached=float(success.any(axis=0).mean()),
        held_at_end=float(at_end.mean()),
        held_interval=wilson(int(at_end.sum()), at_end.size),
        lost=float(done[:-1].any(axis=0).mean()),
    )


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """95 % Wilson score interval of a share. Source: Wilson 1927."""
    share = hits / trials
    middle = (share + Z_95**2 / (2 * trials)) / (1 + Z_95**2 / trials)
    half = Z_95 / (1 + Z_95**2 / trials) * math.sqrt(share * (1 - share) / trials + Z_95**2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)
