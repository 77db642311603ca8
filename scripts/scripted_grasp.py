"""Plays a scripted grasp in the task: scripted_grasp.py OBJECT [--video FILE]"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from mjxdex.config import Config, EnvConfig, UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("object", help="such as small_8_cuboid")
    parser.add_argument("--objects", default="primitives", metavar="SET", help="object set [%(default)s]")
    parser.add_argument("--grasps", type=Path, metavar="FILE", help="of search_grasps.py [the primitives']")
    parser.add_argument("--engine", choices=("warp", "mujoco"), default="warp", help="[%(default)s]")
    parser.add_argument("--video", type=Path, metavar="FILE", help="write an mp4 there and a .png beside it")
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    import numpy as np

    from mjxdex import objects, scene
    from mjxdex.evaluation import playback, scripted
    from mjxdex.evaluation.record import record
    from mjxdex.evaluation.video import write_strip, write_video
    from mjxdex.render.depth_camera import nominal_view

    actions = scripted.actions(options.object, options.grasps or scripted.GRASPS_FILE)[None]
    config = Config(env=replace(EnvConfig(), objects=options.objects))
    object_set = objects.load(options.objects)
    if options.object not in object_set.names:
        raise UserError(
            f"set {options.objects!r} has no {options.object!r}; it has {', '.join(object_set.names)}"
        )
    k = object_set.names.index(options.object)
    if options.engine == "warp":
        qpos = playback.play_task(config, object_set, [k], actions)
    else:
        inputs = playback.servo_inputs(config, actions)
        qpos = playback.play_mujoco(config, scene.build(config, object_set, k), inputs)
    verdict = playback.judge(config, qpos)
    print(
        f"{options.object}: {'held' if verdict.held[0] else 'not held'} for the last 2 s; at most "
        f"{verdict.distance[0]:.3f} m from the goal, {verdict.height[0]:.3f} m high at the end"
    )
    if options.video:
        shown = qpos[0, ::2].astype("float32")
        rgb, depth = record(config, shown, shown, nominal_view(len(shown)), np.full(len(shown), k, np.int32))
        for write, suffix in ((write_video, ".mp4"), (write_strip, ".png")):
            path = options.video.with_suffix(suffix)
            write(path, rgb, depth, depth_min=config.camera.depth_min, depth_max=config.camera.depth_max)
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
