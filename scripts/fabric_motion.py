"""Draws how the fabric moves the robot to six palm targets: fabric_motion.py [FILE]"""

import argparse

import imageio.v2 as imageio

from mjxdex.config import Config
from mjxdex.evaluation.fabric_motion import fabric_picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "file", nargs="?", default="docs/images/fabric.png", help="PNG to write [%(default)s]"
    )
    options = parser.parse_args()
    imageio.imwrite(options.file, fabric_picture(Config()))


if __name__ == "__main__":
    main()
