"""Renews the golden rollout after a wanted change of task, fabric, physics or rendering: golden.py [FILE]"""

import argparse
from pathlib import Path

import numpy as np

from mjxdex.evaluation.golden import differences, rollout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "file", nargs="?", type=Path, default="tests/golden/rollout.npz", help="[%(default)s]"
    )
    path = parser.parse_args().file
    found = rollout()
    for line in differences(found, path) if path.exists() else ["there was none before"]:
        print(line)
    np.savez_compressed(path, **found)  # pyright: ignore[reportArgumentType]
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
