"""Times the task against its bare physics and images: benchmark_task.py [--config NAME] [--level 50]

The same states are stepped by both, round after round: once with hands that move at random, once with hands
that close around the objects, the worst case for the physics.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from mjxdex import config_files
from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="depth160_paper", metavar="NAME", help="[%(default)s]")
    parser.add_argument("--backend", metavar="NAME", help="warp, mjwarp or madrona [the config's]")
    parser.add_argument("--envs", type=int, metavar="N", help="[the config's]")
    parser.add_argument("--level", type=int, default=50, metavar="K", help="ADR level [50]")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="of 16 control steps [20]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    import jax
    from rich.console import Console
    from rich.table import Table

    from mjxdex.evaluation.benchmark import Benchmark

    console = Console(highlight=False, soft_wrap=True)
    settings = {"env.num_envs": options.envs, "render.backend": options.backend}
    given = {key: str(value) for key, value in settings.items() if value is not None}
    config = config_files.load(options.config, given)
    benchmark = Benchmark(config, options.level)
    found = {
        name: benchmark.run(
            grasping, options.rounds, lambda line, name=name: console.print(f"{name}: {line}")
        )
        for name, grasping in (("moving", False), ("grasping", True))
    }
    device = jax.local_devices()[0].device_kind
    table = Table(
        title=f"ms per control step of {config.env.num_envs} envs, ADR level {options.level}, {device}",
        title_justify="left",
    )
    table.add_column("")
    for name in found:
        table.add_column(f"hands {name}", justify="right")
    for name in ("full", "bare", "ratio"):
        label = "bare / full" if name == "ratio" else name
        table.add_row(label, *(f"{getattr(costs, name):.2f}" for costs in found.values()))
    for part in next(iter(found.values())).parts:
        table.add_row(part, *(f"{costs.parts[part]:.2f}" for costs in found.values()))
    table.add_row("hands around the object", *(f"{costs.around:.0%}" for costs in found.values()))
    console.print(table)
    if options.json:
        results = {name: asdict(costs) | {"ratio": costs.ratio} for name, costs in found.items()}
        options.json.write_text(json.dumps({"device": device, "costs": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
