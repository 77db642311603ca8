"""The same policy, objects and episodes in MJX-Warp and in MuJoCo C behind the interfaces of a robot.

evaluate.py RUN --objects SET --level K --json MJX.json
sim_gap.py --policy FILE.onnx --mjx MJX.json [--limit N] [--trials N] [--json FILE]
"""

import argparse
import os
import sys
from pathlib import Path

from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--policy", type=Path, metavar="FILE", help="of scripts/export_onnx.py; is played")
    source.add_argument("--cell", type=Path, metavar="FILE", help="of an earlier --json, in place of playing")
    parser.add_argument("--mjx", type=Path, metavar="FILE", help="of evaluate.py --json, to compare with")
    parser.add_argument("--objects", metavar="SET", help="object set [that of --mjx, or the policy's]")
    parser.add_argument("--level", type=int, metavar="K", help="ADR level [that of --mjx, or the policy's]")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N objects of the set [all]")
    parser.add_argument("--trials", type=int, default=1, metavar="N", help="passes over the objects [1]")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the places [0]")
    parser.add_argument("--safety", action="store_true", help="stop the robot where it leaves its limits")
    parser.add_argument(
        "--processes", type=int, default=len(os.sched_getaffinity(0)), metavar="N", help="[%(default)s]"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.progress import track

    from mjxdex.deploy import gap
    from mjxdex.deploy.gap_report import compare, half_table, write_json

    console = Console(soft_wrap=True)
    mjx = None if options.mjx is None else gap.read_mjx(options.mjx)
    if options.cell is None:
        cell = gap.play(
            gap.Settings(
                policy=options.policy,
                objects=options.objects,
                level=options.level,
                limit=options.limit,
                trials=options.trials,
                seed=options.seed,
                safety=options.safety,
                processes=options.processes,
            ),
            mjx,
            track=lambda turns: track(turns, "playing", console=console, disable=not console.is_terminal),
        )
    else:
        cell = gap.read_cell(options.cell)
    comparison = None if mjx is None else compare(mjx, cell)
    console.print(half_table(cell))
    if comparison is not None:
        console.print(comparison.table())
    if options.json:
        write_json(options.json, cell, comparison)
        console.print(f"wrote {options.json}")


if __name__ == "__main__":
    main()
