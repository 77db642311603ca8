"""Whether a policy looks: probe_sight.py POLICY

POLICY, a run folder or a bundle, acts, and is asked beside that what it would do if it saw the images of
another env. If its actions hardly change it is blind, however near its hand comes to an object.
"""

import argparse
import sys
from pathlib import Path

from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("policy", metavar="POLICY", type=Path, help="run folder, or bundle")
    parser.add_argument("--envs", type=int, default=20, metavar="N", help="one episode each [20]")
    parser.add_argument("--seconds", type=float, default=3.0, metavar="S", help="length of the episodes [3]")
    parser.add_argument("--level", type=int, default=0, metavar="K", help="ADR level [0]")
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    import jax
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    from mjxdex.evaluation.evaluate import whole_episodes
    from mjxdex.evaluation.sight_probe import probe
    from mjxdex.fabric.action import ACTION_NAMES
    from mjxdex.runtime.trained import load_policy

    policy = load_policy(options.policy)
    config = whole_episodes(policy.config, options.envs, options.seconds, options.level)
    console = Console(soft_wrap=True)
    sight = probe(
        policy, config, jax.local_devices()[0],
        track=lambda steps: track(steps, "probing", console=console, disable=not console.is_terminal),
    )  # fmt: skip
    table = Table(title=f"{options.envs} envs, ADR level {options.level}", title_justify="left")
    table.add_column("action")
    for heading in ("varies over envs", "changes with another's images"):
        table.add_column(heading, justify="right")
    for name, varies, changed in zip(ACTION_NAMES, *sight, strict=True):
        table.add_row(name, f"{varies:.3f}", f"{changed:.4f}")
    console.print(table)
    console.print(f"another env's images change actions by {sight.share:.1%} of what they vary by over envs")


if __name__ == "__main__":
    main()
