"""Turns meshes into an object set: import_objects.py FOLDER [--name NAME] [--output FILE]

Every OBJ, STL and PLY file of FOLDER becomes an object of a few primitives. Writes the set (name it with
`--env.objects FILE`), the fit errors as CSV and a picture of each mesh beside its fit. Meshes that cannot be
used are listed with the reason; if none can, the exit status is 1.
"""

import argparse
import sys
from pathlib import Path

from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder with .obj, .stl and .ply files")
    parser.add_argument("--name", help="name of the set [the folder's]")
    parser.add_argument("--output", type=Path, metavar="FILE", help="set to write [objects/NAME.yaml]")
    parser.add_argument(
        "--unit", choices=("auto", "m", "mm"), default="auto", help="of the files [by the size, mesh by mesh]"
    )
    parser.add_argument("--scale", type=float, default=1.0, metavar="X", help="factor on all lengths [1]")
    parser.add_argument(
        "--repair", action="store_true", help="close holes; take the convex hull of bodies that stay open"
    )
    parser.add_argument(
        "--fill", action="store_true", help="fill the cavities of cups, bowls and shells before fitting"
    )
    parser.add_argument("--max-parts", type=int, default=5, metavar="N", help="most primitives an object [5]")
    parser.add_argument(
        "--max-slots", type=int, default=8, metavar="N", help="most slots of the set, all types together [8]"
    )
    parser.add_argument("--preview", type=Path, metavar="FILE", help="picture to write [beside the set]")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of all sampling [0]")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="meshes fitted at the same time [1]")
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import track

    from mjxdex.objects.importing import import_folder, settings_from

    console = Console(soft_wrap=True, highlight=False)
    found = import_folder(
        options.folder,
        settings_from(options),
        track=lambda items, total: track(
            items, "fitting", total, console=console, disable=not console.is_terminal
        ),
    )
    for file, reason in found.skipped.items():
        console.print(f"skipped {escape(f'{file}: {reason}')}")
    for own in found.objects:
        for notice in own.notices:
            console.print(f"notice: {escape(f'{own.file}: {notice}')}")
    for notice in found.notices:
        console.print(f"notice: {escape(notice)}")
    if not found.objects:
        raise UserError(f"none of the {len(found.skipped)} meshes in {options.folder} can be used")

    name = options.name or options.folder.resolve().name
    output = options.output or Path("objects") / f"{name}.yaml"
    preview = options.preview or output.with_suffix(".png")
    console.print(found.table())
    slots = ", ".join(f"{count} {kind}" for kind, count in found.slots.items() if count)
    console.print(f"{len(found.objects)} objects, {len(found.skipped)} skipped; slots: {slots}")
    found.write_set(output, name)
    found.write_csv(output.with_suffix(".csv"))
    found.write_preview(preview, f"{name}: mesh and fit; mean surface distance, volume error")
    console.print(
        f"wrote {output}, {output.with_suffix('.csv')} and {preview}; use it with --env.objects {output}"
    )


if __name__ == "__main__":
    main()
