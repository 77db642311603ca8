"""Configurations as files and command lines: YAML and `--section.key value` to a Config, and back."""

import argparse
import ast
import contextlib
import difflib
import inspect
import itertools
import re
import sys
import typing
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn

import yaml

from mjxdex.config import Config, ConfigError


class _Loader(yaml.SafeLoader):
    """YAML as people write it: 1e-4 and -.5 are numbers too."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?$"),
    list("-+0123456789."),
)


def config_folders() -> list[Path]:
    """Where named configs are looked for: the repository of this package, then ./configs."""
    folders = [Path(__file__).resolve().parents[1] / "configs", Path.cwd() / "configs"]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def load(name_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """The defaults, changed by a YAML file, changed by `overrides`.

    Args:
      name_or_path: name of a file in configs/ without its suffix, or the path of any YAML file.
      overrides: values by dotted key, such as {"env.num_envs": 64}. Strings are read as on the command
        line: "64", "1e-4", "false", "0.1,0,0.5".

    Raises:
      ConfigError: no such config, no such key, a wrong type, or a value that cannot work.
    """
    path = _find(str(name_or_path))
    try:
        tree = yaml.load(path.read_text(), _Loader) or {}
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} must hold sections and keys, such as 'env: {{num_envs: 64}}'")
    return from_dict({"name": path.stem, **tree}, overrides)


def from_dict(tree: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> Config:
    """A Config from nested dictionaries as `to_dict` gives them; keys left out keep their defaults."""
    values = flatten(tree)
    for key, value in (overrides or {}).items():
        values[key] = _parse_text(key, value) if isinstance(value, str) else value
    return _build(values)


def to_dict(config: Any) -> dict[str, Any]:
    """Nested dictionaries of plain values (lists for tuples), as written to YAML and into checkpoints."""
    tree = {}
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            value = to_dict(value)
        tree[field.name] = list(value) if isinstance(value, tuple) else value
    return tree


def save(config: Config, path: Path) -> None:
    """Writes the whole, resolved config as YAML."""
    path.write_text(yaml.safe_dump(to_dict(config), sort_keys=False))


def diff(old: Config, new: Config) -> list[str]:
    """One line "key: old -> new" for each setting that differs."""
    before, after = flatten(to_dict(old)), flatten(to_dict(new))
    return [f"{key}: {before[key]} -> {after[key]}" for key in before if before[key] != after[key]]


class Parser(argparse.ArgumentParser):
    """An argument parser with an option for every setting, and errors of one line.

    `--help` lists every setting with its type, its default and what it means.
    """

    def __init__(self, description: str, usage: str) -> None:
        super().__init__(description=description, usage=usage, allow_abbrev=False)
        sections: dict[str, Any] = {}
        for key, field in _leaves().items():
            section, _, _ = key.rpartition(".")
            if section not in sections:
                sections[section] = self.add_argument_group(f"settings {section}".rstrip())
            default = ",".join(map(str, field.default)) if isinstance(field.default, tuple) else field.default
            text = f"{_docs()[key]} [{default}]".replace("%", "%%")
            sections[section].add_argument(
                f"--{key}", dest=key, metavar=_type_name(field.type), default=argparse.SUPPRESS, help=text
            )

    def parse(self, argv: Sequence[str] | None = None) -> tuple[argparse.Namespace, dict[str, str]]:
        """The script's own options, and the settings given, as text by dotted key, for `load`."""
        argv = _join_negative_values(sys.argv[1:] if argv is None else argv)
        options, unknown = self.parse_known_args(argv)
        if unknown:
            name = unknown[0].partition("=")[0]
            known = [option for option in self._option_string_actions if option.startswith("--")]
            self.error(f"unknown option {name}{_did_you_mean(name, known)}; --help lists all options")
        overrides = {key: vars(options).pop(key) for key in _leaves() if key in vars(options)}
        return options, overrides

    def error(self, message: str) -> NoReturn:
        """Ends the program with one line."""
        self.exit(2, f"error: {message}\n")


def _find(name: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        if not Path(name).is_file():
            raise ConfigError(f"there is no config file {name}")
        return Path(name)
    paths = [path for folder in reversed(config_folders()) for path in sorted(folder.glob("*.yaml"))]
    known = {path.stem: path for path in paths}
    if name not in known:
        there = f"there are {', '.join(sorted(known))}" if known else "there is no configs/ folder here"
        hint = _did_you_mean(name, list(known))
        raise ConfigError(f"unknown config {name!r}{hint}; {there}, and any .yaml file by its path")
    return known[name]


def _leaves(cls: type = Config, prefix: str = "") -> dict[str, Field[Any]]:
    """Every setting by its dotted key, top-level ones first."""
    leaves, nested = {}, {}
    for field in fields(cls):
        if is_dataclass(field.type):
            nested |= _leaves(typing.cast(type, field.type), f"{prefix}{field.name}.")
        else:
            leaves[prefix + field.name] = field
    return leaves | nested


def _docs() -> dict[str, str]:
    """The string below each setting in the source of its class, by dotted key."""

    def of_class(cls: type) -> dict[str, str]:
        docs = {}
        body = typing.cast(ast.ClassDef, ast.parse(inspect.getsource(cls)).body[0]).body
        for setting, doc in itertools.pairwise(body):
            match setting, doc:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    docs[name] = " ".join(text.split())
        return docs

    def collect(cls: type, prefix: str) -> dict[str, str]:
        found, docs = {}, of_class(cls)
        for field in fields(cls):
            if is_dataclass(field.type):
                found |= collect(typing.cast(type, field.type), f"{prefix}{field.name}.")
            else:
                found[prefix + field.name] = docs[field.name]
        return found

    return collect(Config, "")


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every value of nested dictionaries by its dotted key."""
    flat = {}
    for name, value in tree.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _build(values: dict[str, Any]) -> Config:
    leaves = _leaves()
    sections = {key.rpartition(".")[0] for key in leaves} - {""}
    for key, value in values.items():
        if key in sections:
            if value is None:  # a section whose keys are all commented out
                continue
            raise ConfigError(f"{key} is {value!r}; it must be a section of keys")
        if key not in leaves:
            same_name = [known for known in leaves if known.rpartition(".")[2] == key.rpartition(".")[2]]
            hint = f"; did you mean {same_name[0]}?" if same_name else _did_you_mean(key, list(leaves))
            raise ConfigError(f"unknown key {key}{hint or '; train.py --help lists all keys'}")

    def build(cls: type, prefix: str) -> Any:
        arguments = {}
        for field in fields(cls):
            key = prefix + field.name
            if is_dataclass(field.type):
                arguments[field.name] = build(typing.cast(type, field.type), f"{key}.")
            elif key in values:
                words, value = field.metadata.get("words", {}), values[key]
                value = words.get(value, value) if isinstance(value, str) else value
                arguments[field.name] = _convert(key, value, field.type)
        return cls(**arguments)

    return build(Config, "")


def _convert(key: str, value: Any, kind: Any) -> Any:
    """`value` as the setting's type: whole numbers pass for float, lists for tuples, nothing else."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is Literal:
        if value in arguments:
            return value
    elif typing.get_origin(kind) is tuple:
        items = list(value) if isinstance(value, list | tuple) else [value]
        variadic = len(arguments) == 2 and arguments[1] is Ellipsis
        if variadic or len(items) == len(arguments):
            kinds = [arguments[0]] * len(items) if variadic else arguments
            with contextlib.suppress(ConfigError):  # name the whole list, not its item
                return tuple(_convert(key, item, kind) for item, kind in zip(items, kinds, strict=True))
    elif isinstance(value, bool):
        if kind is bool:
            return value
    elif kind is float and isinstance(value, int | float):
        return float(value)
    elif isinstance(value, kind):
        return value
    raise ConfigError(f"{key} is {value!r}; it must be {_type_name(kind)}")


def _parse_text(key: str, text: str) -> Any:
    """A value as typed on the command line; bare commas separate the items of a list."""
    field = _leaves().get(key)
    if field is None or field.type is str:
        return text
    if typing.get_origin(field.type) is tuple and not text.startswith("["):
        text = f"[{text}]"
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError:
        return text


def _type_name(kind: Any) -> str:
    """The type in words: "int", "true or false", "a list of 3 float", "one of float32, bfloat16"."""
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, arguments))}"
    if typing.get_origin(kind) is tuple:
        count = "" if arguments[-1] is Ellipsis else f"{len(arguments)} "
        return f"a list of {count}{_type_name(arguments[0])}"
    return {bool: "true or false", str: "text", int: "int", float: "float"}[kind]


def _join_negative_values(argv: Sequence[str]) -> list[str]:
    """`--key -1,2` as `--key=-1,2`: argparse takes such values for options."""
    joined: list[str] = []
    for token in argv:
        if re.match(r"-[\d.]", token) and joined and re.match(r"--[^=]+$", joined[-1]):
            joined[-1] += f"={token}"
        else:
            joined.append(token)
    return joined


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""
