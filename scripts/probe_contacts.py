"""Finds the contact budget that a configuration needs: probe_contacts.py --config NAME [--json FILE]"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mjxdex import config_files
from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="depth160", metavar="NAME", help="configuration [%(default)s]")
    parser.add_argument(
        "--envs", type=int, metavar="N", help="envs on the device [the config's; 32 on a CPU]"
    )
    parser.add_argument("--steps", type=int, default=300, metavar="T", help="per policy [%(default)s]")
    parser.add_argument("--level", type=int, default=50, help="ADR level, 0 to 50 [%(default)s]")
    parser.add_argument("--objects", metavar="SET", help="object set [the config's]")
    parser.add_argument("--contacts", type=int, metavar="N", help="room per env [128; 40 on a CPU]")
    parser.add_argument("--constraints", type=int, metavar="N", help="room per env [512; 320 on a CPU]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings there too")
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    overrides = {"env.objects": options.objects} if options.objects else {}
    config = config_files.load(options.config, overrides)

    import jax
    from rich.console import Console

    from mjxdex import objects
    from mjxdex.evaluation.contact_budget import Budget
    from mjxdex.evaluation.contact_probe import probe

    console = Console(soft_wrap=True)
    on_cpu = jax.default_backend() == "cpu"
    num_envs = options.envs or min(config.env.num_envs, 32 if on_cpu else config.env.num_envs)
    # On a CPU the solver's kernels loop over the whole room.
    contacts = options.contacts or (40 if on_cpu else 128)
    constraints = options.constraints or (320 if on_cpu else 512)
    room = replace(config.physics, contacts_per_env=contacts, constraints_per_env=constraints)
    uses = probe(
        replace(config, physics=room),
        num_envs,
        options.steps,
        options.level,
        track=_track,
    )
    budget = Budget(config, uses, objects.load(config.env.objects).names)
    for table in budget.tables():
        console.print(table)
    for line in budget.verdict():
        console.print(line)
    if options.json:
        budget.write_json(options.json)
        console.print(f"wrote {options.json}")


def _track(steps: range, policy: str) -> Iterator[int]:
    """Prints a line now and then, in a log file too."""
    for step in steps:
        if step % max(1, len(steps) // 10) == 0:
            print(f"{policy}: step {step} of {len(steps)}", flush=True)
        yield step


if __name__ == "__main__":
    main()
