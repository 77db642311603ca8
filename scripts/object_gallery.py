"""Draws all objects of the named sets: object_gallery.py [FILE]"""

import argparse

import imageio.v2 as imageio

from mjxdex.evaluation.gallery import gallery
from mjxdex.objects import SETS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "file", nargs="?", default="docs/images/objects.png", help="PNG to write [%(default)s]"
    )
    options = parser.parse_args()
    imageio.imwrite(
        options.file, gallery({name: SETS[name]() for name in ("primitives", "training", "heldout")})
    )


if __name__ == "__main__":
    main()
