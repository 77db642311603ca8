"""Draws the scene beside its depth image: render_scene.py [FILE]"""

import argparse

import imageio.v2 as imageio

from mjxdex.config import Config
from mjxdex.evaluation.scene_picture import scene_picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", default="docs/images/scene.png", help="PNG to write [%(default)s]")
    options = parser.parse_args()
    imageio.imwrite(options.file, scene_picture(Config()))


if __name__ == "__main__":
    main()
