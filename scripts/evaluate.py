"""Evaluates a trained policy: evaluate.py RUN [--envs N] [--seconds S] [--json FILE] [--video]"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="run folder")
    parser.add_argument("--envs", type=int, metavar="N", help="envs, one episode each [4 per object]")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of the episodes [the run's]")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the episodes [0]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument(
        "--video", action="store_true", help="write RUN/videos/ITERATION.mp4 and .png of one episode"
    )
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    import jax
    from rich.console import Console
    from rich.progress import track

    from mjxdex import objects
    from mjxdex.evaluation.evaluate import evaluate
    from mjxdex.evaluation.record import record
    from mjxdex.evaluation.video import write_strip, write_video
    from mjxdex.runtime.trained import load_policy

    console = Console(soft_wrap=True)
    policy = load_policy(options.run)
    for notice in policy.notices:
        console.print(f"notice: {notice}")
    num_objects = len(objects.load(policy.config.env.objects))
    env = replace(
        policy.config.env,
        num_envs=options.envs or 4 * num_objects,
        episode_length_s=options.seconds or policy.config.env.episode_length_s,
        spread_first_episodes=False,
    )
    config = replace(policy.config, env=env, seed=options.seed, ppo=replace(policy.config.ppo, minibatches=1))
    report, seen = evaluate(
        policy,
        config,
        jax.local_devices()[0],
        track=lambda steps: track(steps, "evaluating", console=console, disable=not console.is_terminal),
    )
    console.print(report.table())
    if options.json:
        report.write_json(options.json)
        console.print(f"wrote {options.json}")
    if options.video:
        shown = int(seen.success.sum(axis=0).argmax())
        rgb, depth = record(config, seen.qpos[::2, shown], shown % num_objects)
        for write, suffix in ((write_video, "mp4"), (write_strip, "png")):
            path = options.run / "videos" / f"{policy.iteration}.{suffix}"
            write(path, rgb, depth, depth_min=config.camera.depth_min, depth_max=config.camera.depth_max)
            console.print(f"wrote {path}")


if __name__ == "__main__":
    main()
