"""Times the renderers and compares their depth with mj_ray: benchmark_render.py [--markdown FILE]

All draw the same scenes, one after the other; each backend with images of one size and kind in a process of
its own. What does not fit on the device, or whose backend is not installed, is a row that says so.
"""

import argparse
import json
import os
import sys
from pathlib import Path

from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = {"backends": ("warp", "mjwarp", "madrona"), "images": ("depth", "rgb", "stereo")}
    for name, all_of_them in names.items():
        parser.add_argument(
            f"--{name}", nargs="+", choices=all_of_them, default=all_of_them, metavar="NAME",
            help=f"of {', '.join(all_of_them)} [all]",
        )  # fmt: skip
    parser.add_argument(
        "--sizes", nargs="+", type=size, default=[(160, 120), (320, 240)], metavar="WxH",
        help="pixels [160x120 320x240]",
    )  # fmt: skip
    parser.add_argument(
        "--batch", nargs="+", type=int, default=[1024, 4096, 8192], metavar="N",
        help="images per call [1024 4096 8192]",
    )  # fmt: skip
    parser.add_argument(
        "--config", default="depth160_paper", metavar="NAME", help="objects and seed [%(default)s]"
    )
    parser.add_argument("--calls", type=int, default=10, metavar="N", help="per program [10]")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="the median counts [7]")
    parser.add_argument("--shown", type=int, default=6, metavar="N", help="envs compared with mj_ray [6]")
    parser.add_argument("--seconds", type=float, default=400, metavar="S", help="at most for a case [400]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there")
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


def run(options: argparse.Namespace) -> None:
    if min(options.batch) < 2 or any(batch % 2 for batch in options.batch):
        raise UserError(f"--batch is {options.batch}; a stereo pair is two images: give even numbers above 0")

    import jax

    from mjxdex.evaluation import render_table

    # This process must leave the device's memory to those that measure.
    jax.config.update("jax_platforms", "cpu")
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    comparison = render_table.compare(
        options.config, options.backends, options.images, options.sizes, options.batch,
        calls=options.calls, rounds=options.rounds, shown=options.shown, seconds=options.seconds,
        report=lambda line: print(line, flush=True),
    )  # fmt: skip
    tables = render_table.markdown(comparison)
    print(f"\n{tables}", end="")
    if options.json:
        options.json.write_text(json.dumps(render_table.as_json(comparison), indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(tables)


if __name__ == "__main__":
    main()
