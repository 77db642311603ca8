"""Looks for scripted grasps of objects: search_grasps.py OBJECT ... [--objects SET] --write FILE"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from mjxdex.config import Config, EnvConfig, UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", metavar="OBJECT", help="object of the set, or all")
    parser.add_argument("--objects", default="primitives", metavar="SET", help="object set [%(default)s]")
    parser.add_argument("--write", type=Path, required=True, metavar="FILE", help="grasps are added to it")
    parser.add_argument("--random", type=int, default=512, metavar="N", help="random tries [%(default)s]")
    parser.add_argument("--generations", type=int, default=4, metavar="N", help="refinements [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="[%(default)s]")
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    from mjxdex import objects
    from mjxdex.evaluation import scripted
    from mjxdex.evaluation.grasp_search import DISTURBANCES, search

    config = Config(env=replace(EnvConfig(), objects=options.objects))
    object_set = objects.load(options.objects)
    names = object_set.names if options.names == ["all"] else options.names
    unknown = [name for name in names if name not in object_set.names]
    if unknown:
        raise UserError(
            f"set {options.objects!r} has no {unknown[0]!r}; it has {', '.join(object_set.names)}"
        )
    grasps = scripted.load(options.write) if options.write.exists() else {}
    for name in names:
        tries = search(
            config,
            object_set,
            object_set.names.index(name),
            seed=options.seed,
            random=options.random,
            generations=options.generations,
        )
        for found in tries:
            print(
                f"{name}: {found.tried} tried, best holds {found.held} of {len(DISTURBANCES)}, "
                f"at most {found.distance:.3f} m from the goal",
                flush=True,
            )
        if found.held:
            grasps[name] = found.grasp
            scripted.save(options.write, grasps)


if __name__ == "__main__":
    main()
