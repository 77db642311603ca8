"""Draws how episodes start at the ADR levels 0, 25 and 50: reset_picture.py [FILE] [--objects SET]"""

import argparse
from dataclasses import replace

from mjxdex.config import Config, EnvConfig
from mjxdex.evaluation.reset_picture import reset_figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "file", nargs="?", default="docs/images/resets.png", help="PNG to write [%(default)s]"
    )
    parser.add_argument("--objects", default="training", metavar="SET", help="object set [%(default)s]")
    options = parser.parse_args()
    reset_figure(Config(env=replace(EnvConfig(), objects=options.objects))).savefig(options.file)


if __name__ == "__main__":
    main()
