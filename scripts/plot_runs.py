"""Draws learning curves: plot_runs.py [LABEL=]RUN ... --out FILE.png [--csv FILE]

RUN is a run folder, a CSV file of metrics, or one that --csv wrote, with all its runs. Runs that differ in
their seed only share a curve with a band; a run that goes on from another one's bundle is drawn behind it."""

import argparse
import sys
from pathlib import Path

from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", metavar="[LABEL=]RUN", help="run folder, or CSV file")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="PNG to write")
    parser.add_argument("--csv", metavar="FILE", type=Path, help="write some rows of each run there too")
    parser.add_argument(
        "--rows", type=int, default=100, metavar="N", help="most rows per run in it [%(default)s]"
    )
    parser.add_argument("--x", choices=("steps", "hours"), default="steps", help="abscissa [%(default)s]")
    parser.add_argument(
        "--smooth", type=int, default=1, metavar="N", help="rows of the running mean [%(default)s]"
    )
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    import imageio.v2 as imageio
    from rich.console import Console

    from mjxdex.evaluation import curves
    from mjxdex.evaluation.curves_picture import curves_picture, panels
    from mjxdex.evaluation.milestones_table import table

    groups = curves.group(curves.read(options.runs))
    console = Console(soft_wrap=True)
    console.print(table(groups))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    imageio.imwrite(options.out, curves_picture(groups, options.x, max(1, options.smooth)))
    console.print(f"wrote {options.out}")
    if options.csv:
        members = [curve for group in groups for curve in group.curves]
        rows = curves.thinned(members, [name for name, _ in panels(groups)], max(1, options.rows))
        curves.write(options.csv, rows)
        console.print(f"wrote {options.csv}")


if __name__ == "__main__":
    main()
