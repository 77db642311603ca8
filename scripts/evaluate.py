"""Evaluates a policy: evaluate.py RUN_OR_BUNDLE [--objects SET] [--level K] [--json FILE] [--video]
or one that is shipped: evaluate.py --pretrained NAME"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", metavar="RUN", type=Path, nargs="?", help="run folder, or bundle")
    parser.add_argument("--pretrained", metavar="NAME", help="a policy from pretrained/, in place of RUN")
    parser.add_argument("--objects", metavar="SET", help="object set, such as heldout [the run's]")
    parser.add_argument("--level", type=int, metavar="K", help="ADR level, 0 to 50 [the policy's]")
    parser.add_argument("--envs", type=int, metavar="N", help="envs, one episode each [4 per object]")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of the episodes [the run's]")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the episodes [0]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument(
        "--video",
        action="store_true",
        help="write RUN/videos/ITERATION.mp4 and .png of one episode (of a bundle: ./videos)",
    )
    options = parser.parse_args()
    if (options.run is None) == (options.pretrained is None):
        parser.error("name a run folder or a bundle, or a shipped policy with --pretrained NAME")
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
    from mjxdex.runtime.trained import load_policy, pretrained

    console = Console(soft_wrap=True)
    source = options.run or pretrained(options.pretrained)
    policy = load_policy(source)
    for notice in policy.notices:
        console.print(f"notice: {notice}")
    name = options.objects or policy.config.env.objects
    num_objects = len(objects.load(name))
    if name != policy.config.env.objects and "object_onehot" in policy.config.observation.policy:
        raise UserError(
            f"this policy is told which object of {policy.config.env.objects!r} it holds and knows no "
            "others; evaluate it without --objects"
        )
    env = replace(
        policy.config.env,
        objects=name,
        num_envs=options.envs or 4 * num_objects,
        episode_length_s=options.seconds or policy.config.env.episode_length_s,
        spread_first_episodes=False,
    )
    level = policy.adr_level if options.level is None else options.level
    config = replace(
        policy.config,
        env=env,
        seed=options.seed,
        adr=replace(policy.config.adr, start_level=level, max_level=max(level, policy.config.adr.max_level)),
        ppo=replace(policy.config.ppo, minibatches=1),
    )
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
        videos = source / "videos" if source.is_dir() else Path("videos") / source.stem
        shown = int(seen.success.sum(axis=0).argmax())
        views = jax.tree.map(lambda leaf: leaf[::2, shown], seen.views)
        rgb, depth = record(config, seen.qpos[::2, shown], views, shown % num_objects)
        for write, suffix in ((write_video, "mp4"), (write_strip, "png")):
            path = videos / f"{policy.iteration}.{suffix}"
            write(path, rgb, depth, depth_min=config.camera.depth_min, depth_max=config.camera.depth_max)
            console.print(f"wrote {path}")


if __name__ == "__main__":
    main()
