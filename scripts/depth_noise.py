"""Draws the depth noise and the randomized cameras: depth_noise.py [FILE]"""

import argparse

from mjxdex.config import Config
from mjxdex.evaluation.camera_picture import camera_figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", default="docs/images/depth_noise.png", help="PNG [%(default)s]")
    options = parser.parse_args()
    camera_figure(Config()).savefig(options.file)


if __name__ == "__main__":
    main()
