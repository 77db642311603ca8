"""Milestones of groups of runs as a table for the terminal."""

from collections.abc import Sequence

from rich.table import Table

from mjxdex.evaluation.curves import Group
from mjxdex.runtime.milestones import SUCCESS, Milestones, milestones


def table(groups: Sequence[Group]) -> Table:
    """A row for each run and, where a group has several, one for the group.

    A group's row has the three numbers of the paper's Table II: mean ADR increment, share of seeds at full
    ADR, and the success of those seeds.
    """
    found = Table(title="ADR increment is a share of 50 levels; success is that of the last tenth")
    found.add_column("run")
    for name in ("env steps", "hours", "ADR increment", "full ADR", "success", f"first {SUCCESS}"):
        found.add_column(name, justify="right")
    for group in groups:
        runs = [milestones(curve.rows) for curve in group.curves]
        for curve, run in zip(group.curves, runs, strict=True):
            found.add_row(curve.name, *_cells([run]))
        if len(runs) > 1:
            found.add_row(f"{group.label}: {len(runs)} seeds, mean", *_cells(runs), style="bold")
    return found


def _cells(runs: Sequence[Milestones]) -> list[str]:
    def mean(name: str) -> float:
        return sum(getattr(run, name) for run in runs) / len(runs)

    reached = [run for run in runs if run.first_env_steps is not None]
    if reached:
        steps = sum(run.first_env_steps or 0 for run in reached) / len(reached) / 1e6
        minutes = sum(run.first_seconds or 0.0 for run in reached) / len(reached) / 60
        first = f"{steps:.1f} M, {minutes:.0f} min"
        first += f" ({len(reached)} of {len(runs)})" if len(runs) > 1 else ""
    else:
        first = "never"
    full = "yes" if runs[0].full_adr else "no"
    success = f"{mean('success'):.3f}"
    if len(runs) > 1:
        ended = [run.success for run in runs if run.full_adr]
        full = f"{mean('full_adr'):.0%}"
        success += f" ({sum(ended) / len(ended):.3f} at full ADR)" if ended else ""
    return [
        f"{mean('env_steps') / 1e6:.1f} M",
        f"{mean('seconds') / 3600:.2f}",
        f"{mean('adr_increment'):.2f}",
        full,
        success,
        first,
    ]
