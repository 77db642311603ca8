"""What an evaluation found: success as the paper measures it, over all envs and object by object."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from mjxdex.config_adr import NUM_LEVELS, increment
from mjxdex.fabric.action import ACTION_NAMES, NUM_ACTIONS
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
      first_s: Mean time until an env's object first got there, seconds, over the envs where it did; None if
        none did.
      held_at_end: Share of envs whose object is there in the last control step, the one that ends a 10 s
        episode.
      held_interval: 95 % Wilson interval of held_at_end.
      lost: Share of envs that lost their object at least once (out of reach, or fallen off).
      object_pos_error_cm: Mean distance of the object from where a student believes it to be, over all
        control steps, cm; None for other policies.
    """

    name: str
    envs: int
    success: float
    reached: float
    first_s: float | None
    held_at_end: float
    held_interval: tuple[float, float]
    lost: float
    object_pos_error_cm: float | None


@dataclass(frozen=True)
class Report:
    """Attributes:
    run: Configuration, iteration, ADR level and its share of all 50 (the paper's ADR increment) behind the
      policy; object set and ADR level of the evaluation.
    training: Milestones of the policy's training (`runtime.milestones`), None if it logged nothing.
    control_steps: Length of the episodes, at 60 Hz.
    total: All envs.
    objects: One row an object.
    out_of_range: By action, the share of its values that lie outside -1 to 1, which they are clipped to.
    """

    run: dict[str, str | int | float]
    training: dict[str, Any] | None
    control_steps: int
    total: ObjectResult
    objects: list[ObjectResult]
    out_of_range: dict[str, float]

    def write_json(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    def table(self) -> Table:
        """The results for a terminal."""
        run = self.run
        title = (
            f"{run['config']}, iteration {run['iteration']}, trained to ADR level {run['adr_level']} of "
            f"{NUM_LEVELS}; "
            f"here: {run['objects']}, level {run['level']}{', places only' if run.get('places_only') else ''}"
        )
        table = Table(title=title, title_justify="left")
        headings = ["object", "envs", "success", "reached", "first at", "held at end (95 %)", "lost"]
        student = self.total.object_pos_error_cm is not None
        for name in headings + ["object off by"] * student:
            table.add_column(name, justify="left" if name == "object" else "right")
        for row in (*self.objects, self.total):
            low, high = row.held_interval
            table.add_row(
                row.name,
                str(row.envs),
                f"{row.success:.1%}",
                f"{row.reached:.1%}",
                "" if row.first_s is None else f"{row.first_s:.1f} s",
                f"{row.held_at_end:.1%} ({low:.0%}-{high:.0%})",
                f"{row.lost:.1%}",
                *([f"{row.object_pos_error_cm:.1f} cm"] if student else []),
                style="bold" if row is self.total else None,
            )
        shares = ", ".join(
            f"{name} {share:.0%}" for name, share in self.out_of_range.items() if share >= 0.01
        )
        if shares:
            table.caption, table.caption_justify = f"actions out of range: {shares}", "left"
        return table


def summarize(
    success: np.ndarray,
    done: np.ndarray,
    objects: ObjectSet,
    policy: TrainedPolicy,
    level: int,
    object_pos_error: np.ndarray | None = None,
    actions: np.ndarray | None = None,
) -> Report:
    """Counts per object; env i holds object i modulo their number.

    Args:
      success: bool [T, N], the object is in the goal region.
      done: bool [T, N], the episode ended; at the last step that is the time limit, before it a loss.
      objects: The set.
      policy: For the heading.
      level: ADR level of the evaluation, for the heading.
      object_pos_error: float32 [T, N], of a student's guesses, metres.
      actions: float32 [T, N, 11], not clipped; None for no word about them.
    """
    names = objects.names
    control_dt = policy.config.physics.control_period
    held = np.arange(success.shape[1]) % len(names)
    error = object_pos_error
    rows = [
        result(
            name,
            success[:, held == i],
            done[:, held == i],
            control_dt,
            None if error is None else error[:, held == i],
        )
        for i, name in enumerate(names)
        if (held == i).any()
    ]
    return Report(
        run={
            "config": policy.config.name,
            "iteration": policy.iteration,
            "adr_level": policy.adr_level,
            "adr_increment": increment(policy.adr_level),
            "objects": objects.name,
            "level": level,
        },
        training=policy.training,
        control_steps=success.shape[0],
        total=result("all", success, done, control_dt, error),
        objects=rows,
        out_of_range={} if actions is None else out_of_range(actions),
    )


def out_of_range(actions: np.ndarray) -> dict[str, float]:
    """See `Report`; actions [..., 11]."""
    shares = (np.abs(actions) > 1).reshape(-1, NUM_ACTIONS).mean(axis=0)
    return dict(zip(ACTION_NAMES, shares.tolist(), strict=True))


def result(
    name: str, success: np.ndarray, done: np.ndarray, control_dt: float, error: np.ndarray | None = None
) -> ObjectResult:
    """Counts the envs of one object; arrays as for `summarize`, `control_dt` in s."""
    at_end, reached = success[-1], success.any(axis=0)
    first = (success.argmax(axis=0)[reached] + 1) * control_dt
    return ObjectResult(
        name=name,
        envs=success.shape[1],
        success=float(success.mean()),
        reached=float(reached.mean()),
        first_s=float(first.mean()) if reached.any() else None,
        held_at_end=float(at_end.mean()),
        held_interval=wilson(int(at_end.sum()), at_end.size),
        lost=float(done[:-1].any(axis=0).mean()),
        object_pos_error_cm=None if error is None else 100 * float(error.mean()),
    )


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """95 % Wilson score interval of a share. Source: Wilson 1927."""
    share = hits / trials
    middle = (share + Z_95**2 / (2 * trials)) / (1 + Z_95**2 / trials)
    half = Z_95 / (1 + Z_95**2 / trials) * math.sqrt(share * (1 - share) / trials + Z_95**2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)
