"""Budgets that follow from a contact probe, and its tables."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from mjxdex.config import Config
from mjxdex.evaluation.contact_probe import MARGIN, Use

STEP = {"contacts_per_env": 4, "constraints_per_env": 32}
"""Recommendations are multiples of this."""
BUSY = 99
_PERCENTS = (50, 99, 99.9)
_WORST = 6
"""Objects named."""


@dataclass(frozen=True)
class Budget:
    """Findings of a probe.

    Attributes:
      config: of the run that was asked about, with its present budgets.
      uses: by policy.
      names: of the object set's objects.
    """

    config: Config
    uses: dict[str, Use]
    names: tuple[str, ...]

    @property
    def num_envs(self) -> int:
        """Envs that shared the contact budget of the probe."""
        return len(next(iter(self.uses.values())).object_id)

    @property
    def needed(self) -> dict[str, float]:
        """What was needed, by setting.

        Constraint rows: the most of any env at any time. Contacts: the most that all envs shared at a time,
        but no less than single envs needed in BUSY percent of their steps, since a trained policy grasps in
        all of them at once.
        """
        busy = (np.percentile(use.contacts, BUSY) for use in self.uses.values())
        shared = (use.shared for use in self.uses.values())
        return {
            "contacts_per_env": float(max(*busy, *shared)),
            "constraints_per_env": float(max(use.constraints.max() for use in self.uses.values())),
        }

    @property
    def recommended(self) -> dict[str, int]:
        """MARGIN times what was needed, rounded up to multiples of STEP."""
        return {
            key: STEP[key] * int(np.ceil(MARGIN * value / STEP[key])) for key, value in self.needed.items()
        }

    def verdict(self) -> list[str]:
        """A line for each setting: what it is, what was needed, what is recommended."""
        lines = []
        for key, recommended in self.recommended.items():
            present, needed = getattr(self.config.physics, key), self.needed[key]
            word = "enough" if present >= recommended else "tight" if present >= needed else "too small"
            lines.append(
                f"physics.{key} {present} is {word}: {needed:.1f} were needed, "
                f"recommended is {recommended} or more"
            )
        if self.config.env.num_envs < self.num_envs:
            lines.append(
                f"The config has {self.config.env.num_envs} envs: fewer share less evenly than the "
                f"{self.num_envs} of this probe; probe with --envs {self.config.env.num_envs}"
            )
        return lines

    def tables(self) -> tuple[Table, Table]:
        """What each policy needed, and which objects needed most."""
        steps = len(next(iter(self.uses.values())).pairs)
        use_table = Table("", *self.uses, title=f"needed by {self.num_envs} envs in {steps} control steps")
        rows = {
            "room shared, per env": lambda use: f"{use.shared:.1f}",
            "  broad-phase pairs, per env": lambda use: f"{use.pairs.max():.1f}",
            "  contacts, per env": lambda use: f"{use.contacts.mean(axis=1).max():.1f}",
            f"contacts of an env, {_head()}": lambda use: _spread(use.contacts),
            f"constraint rows, {_head()}": lambda use: _spread(use.constraints),
            "envs that grasped": lambda use: f"{use.grasped:.0%}",
            "envs that lifted": lambda use: f"{use.lifted:.0%}",
            "env steps that diverged": lambda use: f"{use.diverged:.1e}",
        }
        for name, cell in rows.items():
            use_table.add_row(name, *(cell(use) for use in self.uses.values()))
        object_table = Table(title="objects that needed most")
        for head in ("object", "contacts", "rows"):
            object_table.add_column(head, justify="left" if head == "object" else "right")
        for name, contacts, rows in self.objects()[:_WORST]:
            object_table.add_row(name, str(contacts), str(rows))
        return use_table, object_table

    def objects(self) -> list[tuple[str, int, int]]:
        """Name, most contacts and most constraint rows in one env, of each object; most rows first."""
        contacts, rows = np.zeros((2, len(self.names)), int)
        for use in self.uses.values():
            np.maximum.at(contacts, use.object_id, use.contacts.max(axis=0))
            np.maximum.at(rows, use.object_id, use.constraints.max(axis=0))
        seen = np.flatnonzero(rows)
        order = seen[np.argsort(-rows[seen], kind="stable")]
        return [(self.names[k], int(contacts[k]), int(rows[k])) for k in order]

    def write_json(self, path: Path) -> None:
        policies = {
            policy: {
                "shared": use.shared,
                "pairs_per_env": float(use.pairs.max()),
                "contacts_per_env": float(use.contacts.mean(axis=1).max()),
                "contacts_of_an_env": _percentiles(use.contacts),
                "constraints_of_an_env": _percentiles(use.constraints),
                "grasped": use.grasped,
                "lifted": use.lifted,
                "diverged": use.diverged,
                "steps": len(use.pairs),
            }
            for policy, use in self.uses.items()
        }
        objects = {
            name: {"contacts": contacts, "constraints": rows} for name, contacts, rows in self.objects()
        }
        report = {
            "config": self.config.name,
            "object_set": self.config.env.objects,
            "num_envs": self.num_envs,
            "needed": self.needed,
            "recommended": self.recommended,
            "present": {key: getattr(self.config.physics, key) for key in self.recommended},
            "policies": policies,
            "objects": objects,
        }
        path.write_text(json.dumps(report, indent=2) + "\n")


def _percentiles(counts: np.ndarray) -> dict[str, float]:
    return {f"{p:g} %": float(np.percentile(counts, p)) for p in _PERCENTS} | {"most": float(counts.max())}


def _head() -> str:
    return " / ".join([*(f"{p:g} %" for p in _PERCENTS), "most"])


def _spread(counts: np.ndarray) -> str:
    return " / ".join(f"{value:.0f}" for value in _percentiles(counts).values())
