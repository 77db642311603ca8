"""Times training on layouts and resolutions beside two baselines: benchmark.py --config NAME ...

Baselines: physics and images alone, without task, policy and learner; and the update written in PyTorch, if
that is installed. Every case runs in a process of its own, one after the other. A case that does not fit is a
row that says so. Beside what was measured stands what the planner predicts, marked as predicted.
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
    parser.add_argument(
        "--config", nargs="+", default=["depth160_paper"], metavar="NAME", help="resolutions [depth160_paper]"
    )
    parser.add_argument(
        "--layouts", nargs="+", default=["auto"], metavar="LAYOUT", help="such as s0-l0 s0-l1 [auto]"
    )
    parser.add_argument(
        "--rollouts", nargs="+", choices=("learner", "simulator", "overlap"), default=("learner",),
        metavar="WHERE", help="runtime.trajectory of splits: of learner, simulator, overlap [learner]",
    )  # fmt: skip
    parser.add_argument(
        "--baselines", nargs="*", choices=("bare", "torch"), default=("bare", "torch"), metavar="NAME",
        help="of bare, torch [both]",
    )  # fmt: skip
    parser.add_argument(
        "--envs", type=int, nargs="+", default=(), metavar="N",
        help="in total, for all configs or one for each [the configs']",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=float, metavar="GB",
        help="also time each layout with the most envs predicted to fit GPUs of so many GB, held to that",
    )  # fmt: skip
    parser.add_argument("--level", type=int, default=0, metavar="K", help="ADR level [0]")
    parser.add_argument("--iterations", type=int, default=10, metavar="N", help="the median counts [10]")
    parser.add_argument("--seconds", type=float, default=600, metavar="S", help="at most for a case [600]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there, after each case")
    parser.add_argument(
        "--markdown", type=Path, metavar="FILE", help="write the tables there, after each case"
    )
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    if options.iterations < 1:
        raise UserError(f"--iterations is {options.iterations}; it must be above 0")
    if options.memory is not None and options.memory <= 0:
        raise UserError(f"--memory is {options.memory:g}; it must be above 0")

    import jax

    from mjxdex.evaluation import throughput_table

    # This process must leave the devices' memory to those that measure.
    jax.config.update("jax_platforms", "cpu")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

    def save(rows: throughput_table.Rows) -> None:
        if options.json:
            options.json.write_text(json.dumps(throughput_table.as_json(rows), indent=1) + "\n")
        if options.markdown:
            options.markdown.write_text(throughput_table.markdown(rows))

    rows = throughput_table.compare(
        options.config, options.layouts, options.rollouts, options.baselines, envs=options.envs,
        memory=options.memory, level=options.level, iterations=options.iterations, seconds=options.seconds,
        report=lambda line: print(line, flush=True), save=save,
    )  # fmt: skip
    print(f"\n{throughput_table.markdown(rows)}", end="")


if __name__ == "__main__":
    main()
