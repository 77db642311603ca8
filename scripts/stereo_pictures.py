"""Draws the stereo images, plain, randomized and augmented: stereo_pictures.py [FILE] [--objects SET]"""

import argparse
from dataclasses import replace

from mjxdex.config import Config, EnvConfig
from mjxdex.evaluation.stereo_picture import stereo_figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "file", nargs="?", default="docs/images/stereo.png", help="PNG to write [%(default)s]"
    )
    parser.add_argument("--objects", default="training", metavar="SET", help="object set [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="of everything random [%(default)s]")
    options = parser.parse_args()
    config = Config(env=replace(EnvConfig(), objects=options.objects))
    stereo_figure(config, options.seed).savefig(options.file)


if __name__ == "__main__":
    main()
