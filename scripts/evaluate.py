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
    parser.add_argument("--level", type=int, metavar="K", help="ADR level [the policy's, at least 0]")
    parser.add_argument(
        "--places-only", action="store_true",
        help="of what ADR draws only places and rotations of objects, as in the cell of sim_gap.py",
    )  # fmt: skip
    parser.add_argument(
        "--envs", type=int, metavar="N", help="envs, one episode each [4 per object, 1 on a CPU]"
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="length of the episodes [the run's]")
    parser.add_argument(
        "--engine", choices=("warp", "c"), help="physics: MJX-Warp, or MuJoCo C, faster on a CPU [the run's]"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the episodes [0]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    parser.add_argument(
        "--video",
        action="store_true",
        help="write RUN/videos/ITERATION.mp4 and .png of one episode (of a bundle: ./videos)",
    )
    parser.add_argument(
        "--video-envs", type=int, default=0, metavar="N",
        help="with --video: N envs in a grid too, such as 16, each with its depth image",
    )  # fmt: skip
    parser.add_argument("--gif", action="store_true", help="the grid as a GIF of at most 5 MB too")
    options = parser.parse_args()
    if (options.run is None) == (options.pretrained is None):
        sys.exit("error: name a run folder or a bundle, or a shipped policy with --pretrained NAME")
    if (
        options.video_envs < 0
        or (options.video_envs and not options.video)
        or (options.gif and not options.video_envs)
    ):
        sys.exit("error: --video-envs N goes with --video, and --gif with both")
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    import jax
    from rich.console import Console
    from rich.progress import track

    from mjxdex import objects
    from mjxdex.config_adr import places_only
    from mjxdex.evaluation import episode_videos
    from mjxdex.evaluation.evaluate import evaluate, whole_episodes
    from mjxdex.evaluation.pictures import one_env
    from mjxdex.runtime.trained import load_policy, pretrained

    console = Console(soft_wrap=True)
    source = options.run or pretrained(options.pretrained)
    policy = load_policy(source)
    for notice in policy.notices:
        console.print(f"notice: {notice}")
    if options.video_envs and policy.config.observation.stereo:
        raise UserError("--video-envs shows depth images, which this student does not see; leave it out")
    name = options.objects or policy.config.env.objects
    num_objects = len(objects.load(name))
    if name != policy.config.env.objects and "object_onehot" in policy.config.observation.policy:
        raise UserError(
            f"this policy is told which object of {policy.config.env.objects!r} it holds and knows no "
            "others; evaluate it without --objects"
        )
    level = max(0, policy.adr_level) if options.level is None else options.level
    seconds = options.seconds or policy.config.env.episode_length_s
    device = jax.local_devices()[0]
    envs = options.envs or num_objects * (1 if device.platform == "cpu" else 4)
    config = whole_episodes(policy.config, envs, seconds, level)
    config = replace(
        config,
        env=replace(config.env, objects=name),
        adr=places_only(config.adr) if options.places_only else config.adr,
        physics=replace(config.physics, engine=options.engine or config.physics.engine),
        seed=options.seed,
    )
    report, seen = evaluate(
        policy,
        config,
        device,
        track=lambda steps: track(steps, "evaluating", console=console, disable=not console.is_terminal),
    )
    report.run.update(places_only=options.places_only, engine=config.physics.engine)
    console.print(report.table())
    if options.json:
        report.write_json(options.json)
        console.print(f"wrote {options.json}")
    if options.video:
        videos = source / "videos" if source.is_dir() else Path("videos") / source.stem
        path = videos / str(policy.iteration)
        files = one_env(config, seen, num_objects, path)
        if options.video_envs:
            files += episode_videos.grid(
                config, seen, num_objects, path, envs=options.video_envs, gif=options.gif
            )
        for file in files:
            console.print(f"wrote {file}")


if __name__ == "__main__":
    main()
