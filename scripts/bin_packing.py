"""Packs objects into a bin with a policy, in a simulated cell on MuJoCo C.

bin_packing.py --policy FILE.onnx [--objects heldout] [--trials 3] [--video FILE.mp4] [--json FILE] [--sweep]
"""

import argparse
import sys
from pathlib import Path

from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--policy", required=True, metavar="FILE",
        help="of scripts/export_onnx.py; or the word scripted, for hand-written grasps of the primitives",
    )  # fmt: skip
    parser.add_argument("--objects", default="heldout", metavar="SET", help="object set [%(default)s]")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N objects of the set [all]")
    parser.add_argument("--trials", type=int, default=1, metavar="N", help="passes over the objects [1]")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of places and camera faults [0]")
    parser.add_argument("--spawn-level", type=int, metavar="K", help="ADR level of the places [policy's]")
    parser.add_argument("--latency", type=float, default=0, metavar="MS", help="of the camera [0]")
    parser.add_argument("--jitter", type=float, default=0, metavar="MS", help="added to it, at most [0]")
    parser.add_argument("--dropped", type=float, default=0, metavar="SHARE", help="of images [0]")
    parser.add_argument("--camera-angle", type=float, default=0, metavar="DEG", help="error, at most [0]")
    parser.add_argument("--camera-distance", type=float, default=0, metavar="MM", help="error, at most [0]")
    parser.add_argument(
        "--image-age", type=float, metavar="MS", help="oldest image that the policy acts on [50]"
    )
    parser.add_argument("--sweep", action="store_true", help="a table of success against each of these")
    parser.add_argument("--real-time", action="store_true", help="simulate in real time, in threads")
    parser.add_argument("--video", type=Path, metavar="FILE", help="write an mp4 there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.progress import track

    from mjxdex.deploy.packing_report import sweep_table, write_json
    from mjxdex.deploy.sessions import Settings, check, pack, sweep

    settings = Settings(**vars(options))
    policy, objects = check(settings)
    console = Console(soft_wrap=True)
    reports = {}
    for description, changed in sweep(settings).items():
        reports[description] = pack(
            changed,
            policy,
            objects,
            track=lambda turns, text=description: track(
                turns, text, console=console, disable=not console.is_terminal
            ),
        )
        if not options.sweep:
            console.print(reports[description].table())
            if options.real_time:
                console.print(reports[description].timing.table())
    if options.sweep:
        console.print(sweep_table(reports))
    if options.json:
        write_json(options.json, reports)
        console.print(f"wrote {options.json}")
    if options.video:
        console.print(f"wrote {options.video}")


if __name__ == "__main__":
    main()
