"""Object sets as YAML files: what `--env.objects some/set.yaml` reads and import_objects.py writes."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml

from mjxdex.config import ConfigError
from mjxdex.objects.distance import NUM_SIZES
from mjxdex.objects.shapes import PART_TYPES, Part, Shape

MAX_LENGTH = 0.5
"""Largest half length and coordinate in a set file, metres; larger numbers are millimetres by mistake."""

HEADER = """\
# Objects as unions of primitives. Lengths in metres. Sizes as MuJoCo has them: half lengths of a box; radius
# and half length of a cylinder or, without its caps, of a capsule, both along z; three radii of an ellipsoid.
# Orientations are quaternions wxyz. `info` is for people.
"""


def write_set(
    path: Path, name: str, shapes: tuple[Shape, ...], info: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """Writes an object set, one line a part, to a micrometre.

    Args:
      path: file to write; its folder is made.
      name: of the set.
      shapes: the objects.
      info: further facts about an object by its name, such as the file it came from; plain values only.
    """
    lines = [f"name: {_text(name)}", "objects:"]
    for shape in shapes:
        lines.append(f"- name: {_text(shape.name)}")
        lines += [
            f"  {key}: {_flow(value)}"
            for key, value in {"info": (info or {}).get(shape.name)}.items()
            if value
        ]
        lines.append("  parts:")
        for part in shape.parts:
            size = [round(value, 6) for value in part.size[: NUM_SIZES[part.type]]]
            pos = [round(value, 6) for value in part.pos]
            quat = [round(value, 6) for value in part.quat]
            lines.append(f"  - {_flow({'type': part.type, 'size': size, 'pos': pos, 'quat': quat})}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "\n".join(lines) + "\n")


def read_set(path: Path | str) -> tuple[Shape, ...]:
    """Reads an object set; pos and quat of a part may be left out.

    Raises:
      ConfigError: no such file, not YAML, or a field that cannot be, with its place and what is allowed.
    """
    path = Path(path)
    try:
        tree = yaml.safe_load(path.read_text())
    except OSError as error:
        raise ConfigError(f"cannot read the object set {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    place = str(path)
    tree = _mapping(tree, place, {"name", "objects"})
    entries = _list(tree.get("objects"), f"{place}: objects")
    shapes: list[Shape] = []
    for number, entry in enumerate(entries, 1):
        entry = _mapping(entry, f"{place}: object {number}", {"name", "info", "parts"})
        name = entry.get("name")
        if not isinstance(name, str) or not name:
            _refuse(f"{place}: object {number}: name", name, "text")
        if name in [shape.name for shape in shapes]:
            raise ConfigError(f"{place}: two objects are called {name!r}; give each its own name")
        parts = _list(entry.get("parts"), f"{place}: object {name}: parts")
        shapes.append(
            Shape(
                name,
                tuple(_part(part, f"{place}: object {name}, part {k}") for k, part in enumerate(parts, 1)),
            )
        )
    return tuple(shapes)


def _part(entry: Any, place: str) -> Part:
    entry = _mapping(entry, place, {"type", "size", "pos", "quat"})
    kind = entry.get("type")
    if kind not in PART_TYPES:
        _refuse(f"{place}: type", kind, f"one of {', '.join(PART_TYPES)}")
    count = NUM_SIZES[kind]
    size = _numbers(entry.get("size"), count, f"{place}: size", f"{count} numbers, as a {kind} has them")
    if not all(0 < value <= MAX_LENGTH for value in size):
        _refuse(f"{place}: size", entry["size"], f"above 0 and at most {MAX_LENGTH}: half lengths in metres")
    pos = _numbers(entry.get("pos", [0.0] * 3), 3, f"{place}: pos", "3 numbers")
    if not all(abs(value) <= MAX_LENGTH for value in pos):
        _refuse(f"{place}: pos", entry["pos"], f"within {MAX_LENGTH} of 0: metres")
    quat = _numbers(entry.get("quat", [1.0, 0, 0, 0]), 4, f"{place}: quat", "4 numbers, wxyz")
    norm = math.hypot(*quat)
    if not 0.99 < norm < 1.01:
        _refuse(f"{place}: quat", entry["quat"], f"of length 1, not {norm:.3g}")
    w, x, y, z = (value / norm for value in quat)
    first, second, third = [*size, 0.0, 0.0][:3]
    return Part(kind, (first, second, third), (pos[0], pos[1], pos[2]), (w, x, y, z))


def _mapping(value: Any, place: str, keys: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        _refuse(place, value, f"keys {', '.join(sorted(keys))}")
    for key in value:
        if key not in keys:
            raise ConfigError(f"{place} has a key {key!r}; allowed: {', '.join(sorted(keys))}")
    return value


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        _refuse(place, value, "a list with at least one item")
    return value


def _numbers(value: Any, count: int, place: str, allowed: str) -> list[float]:
    """`count` finite numbers; a third size of 0, which MuJoCo's own files have, is dropped."""
    numbers = isinstance(value, list) and all(
        isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item) for item in value
    )
    if numbers and len(value) == 3 and count == 2 and value[2] == 0:
        value = value[:2]
    if not numbers or len(value) != count:
        _refuse(place, value, allowed)
    return [float(item) for item in value]


def _refuse(place: str, value: Any, allowed: str) -> NoReturn:
    given = "missing" if value is None else repr(value)
    if len(given) > 60:
        given = f"{given[:57]}..."
    raise ConfigError(f"{place} is {given}; it must be {allowed}")


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000).strip()


def _text(value: str) -> str:
    return yaml.safe_dump(value, width=10_000).removesuffix("\n...\n").strip()
