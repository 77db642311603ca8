"""How far a run got, in the paper's terms: ADR increment and success, and how soon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mjxdex.config import UserError
from mjxdex.config_adr import NUM_LEVELS, increment

SUCCESS = 0.4
"""Share of successful envs from which the ADR level may rise, and whose first time is noted."""

Rows = Sequence[dict[str, float]]


@dataclass(frozen=True)
class Milestones:
    """Success counts from ADR level 0 on: below it objects weigh less.

    Attributes:
    env_steps: Made in all.
    seconds: Spent in iterations, compilation included.
    adr_increment: ADR level reached, as a share of all 50; 0 below level 0.
    full_adr: Whether it is the last.
    success: Share of control steps and envs with the object in the goal region, mean of the last tenth of
      the iterations: the paper's instantaneous success.
    best_success: Largest of a single logged iteration.
    first_env_steps, first_seconds: When success first reached SUCCESS; None if it never did.
    """

    env_steps: int
    seconds: float
    adr_increment: float
    full_adr: bool
    success: float
    best_success: float
    first_env_steps: int | None
    first_seconds: float | None

    def sentence(self) -> str:
        """For the terminal."""
        first = f"success never reached {SUCCESS}"
        if self.first_env_steps is not None and self.first_seconds is not None:
            first = (
                f"success first reached {SUCCESS} after {self.first_env_steps / 1e6:.1f} M env steps, "
                f"{self.first_seconds / 60:.1f} min"
            )
        full = " (full)" if self.full_adr else ""
        return (
            f"{self.env_steps / 1e6:.1f} M env steps, {self.seconds / 60:.1f} min: ADR increment "
            f"{self.adr_increment:.2f}{full}, success {self.success:.3f} lately and {self.best_success:.3f} "
            f"at best; {first}"
        )


def milestones(rows: Rows) -> Milestones:
    """Reads them off the metrics of a run.

    Raises: UserError: There are no rows yet.
    """
    if not rows:
        raise UserError("the run has no metrics yet; wait for its first logged iteration")
    spent = seconds(rows)
    last = rows[-1]
    success = [success_of(row) for row in rows]
    late = [success_of(row) for row in rows if row["iteration"] > 0.9 * last["iteration"]]
    first = next((i for i, share in enumerate(success) if share >= SUCCESS), None)
    return Milestones(
        env_steps=int(last["env_steps"]),
        seconds=spent[-1],
        adr_increment=increment(last["adr/level"]),
        full_adr=last["adr/level"] >= NUM_LEVELS,
        success=sum(late) / len(late),
        best_success=max(success),
        first_env_steps=None if first is None else int(rows[first]["env_steps"]),
        first_seconds=None if first is None else spent[first],
    )


def success_of(row: Mapping[str, float]) -> float:
    """Share of successful envs in an iteration's metrics; 0 below ADR level 0, where objects weigh less."""
    return row["success"] if row["adr/level"] >= 0 else 0.0


def seconds(rows: Rows) -> list[float]:
    """Time spent until each row, in seconds; iterations between two logged ones count as long as the second.

    The first row of a run that goes on from another one's metrics counts once.
    """
    spent, total, previous = [], 0.0, None
    for row in rows:
        iterations = 1 if previous is None else row["iteration"] - previous
        total += row["time/iteration_s"] * iterations
        spent.append(total)
        previous = row["iteration"]
    return spent
