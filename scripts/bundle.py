"""Bundles what a run has learned into one small file: bundle.py RUN --out FILE [--dtype int8] [--critic]
or makes a smaller bundle of one: bundle.py BUNDLE --out FILE [--dtype int8] [--critic] [--moments]"""

import argparse
import sys
from pathlib import Path

from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="run folder, or bundle")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="file to write, NAME.bundle")
    parser.add_argument(
        "--dtype", choices=("float32", "bfloat16", "int8"),
        help="precision of the networks' kernels; int8 has a step size per output [bfloat16, or of BUNDLE]",
    )  # fmt: skip
    parser.add_argument("--critic", action="store_true", help="the critic too, to train on from the file")
    parser.add_argument(
        "--moments", action="store_true", help="also what train.py --continue needs of the optimizers"
    )
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    from mjxdex.evaluation.storage_error import action_error
    from mjxdex.runtime import bundles, run_folder
    from mjxdex.runtime.trained import bundled_shapes, load_policy

    if options.out.suffix != bundles.SUFFIX:
        raise UserError(f"--out is {options.out}; its name must end in {bundles.SUFFIX}")
    parts = {"critic": options.critic, "moments": options.moments}
    if bundles.is_bundle(options.run):
        bundles.repack(options.run, options.out, options.dtype, **parts)
    else:
        shapes = bundled_shapes(run_folder.open_run(options.run))
        notices = bundles.write(options.run, options.out, shapes, options.dtype or "bfloat16", **parts)
        for notice in notices:
            print(f"notice: {notice}")
    stored = load_policy(options.out)
    error = action_error(load_policy(options.run), stored.params)
    print(f"{options.out}: iteration {stored.iteration}, {options.out.stat().st_size / 1e6:.2f} MB")
    print(
        f"on random inputs its actions differ from those of {options.run} by {error.rms:.1e} rms and "
        f"{error.largest:.1e} at most; rms of the actions {error.action_rms:.2g}"
    )


if __name__ == "__main__":
    main()
