"""Which exploration noise lifts objects: probe_noise.py POLICY --noises own 0.11 0.11:0.9

POLICY, a run folder or a bundle, acts with each noise: a standard deviation of its actions, or the word own
for the policy's, and after a colon how much of one control step's noise goes on in the next. What no noise
lifts, reinforcement learning does not find.
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
    parser.add_argument(
        "--noises", nargs="+", metavar="NOISE", required=True, help="to compare, such as own 0.11 0.11:0.9"
    )  # fmt: skip
    parser.add_argument("--envs", type=int, default=40, metavar="N", help="for each noise [40]")
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S", help="length of the episodes [5]")
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
    from mjxdex.evaluation.noise_probe import Noise, probe
    from mjxdex.runtime.trained import load_policy

    noises = [Noise.parse(text) for text in options.noises]
    policy = load_policy(options.policy)
    config = whole_episodes(policy.config, options.envs * len(noises), options.seconds, options.level)
    console = Console(soft_wrap=True)
    found = probe(
        policy, config, noises, jax.local_devices()[0],
        track=lambda steps: track(steps, "probing", console=console, disable=not console.is_terminal),
    )  # fmt: skip
    table = Table(title=f"{options.envs} objects each, ADR level {options.level}", title_justify="left")
    for heading in ("noise", "risen, cm, mean", "median", "above 2 cm", "above 4 cm"):
        table.add_column(heading, justify="right")
    for text, most in zip(options.noises, found, strict=True):
        shares = (f"{(most > height).mean():.1%}" for height in (0.02, 0.04))
        table.add_row(text, f"{100 * most.mean():.2f}", f"{100 * sorted(most)[len(most) // 2]:.2f}", *shares)
    console.print(table)


if __name__ == "__main__":
    main()
