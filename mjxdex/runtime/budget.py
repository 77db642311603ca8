"""Whether the simulators had room for all contacts: physics that loses some is not the physics asked for."""

from collections.abc import Mapping

from mjxdex.config import PhysicsConfig, UserError

ALLOWED_SHARE = 1e-3
"""Largest share of an iteration's env steps that may overflow: a few broken envs must not stop a run."""


class BudgetError(UserError):
    """A contact or constraint budget is too small."""


def check(physics: PhysicsConfig, row: Mapping[str, float]) -> None:
    """Raises BudgetError if too many env steps of an iteration lost contacts or constraint rows.

    Args:
      physics: the budgets.
      row: the metrics of the iteration.
    """
    for kind in ("contact", "constraint"):
        share = row[f"info/sim/{kind}_overflow"]
        if share > ALLOWED_SHARE:
            setting = f"{kind}s_per_env"
            budget = getattr(physics, setting)
            raise BudgetError(
                f"{share:.1%} of the env steps had more {kind}s than physics.{setting} {budget} has room "
                f"for; resume with --physics.{setting} {budget * 3 // 2}, or find what is needed with "
                "scripts/probe_contacts.py"
            )
