"""Memory and time of both roles as a fixed part and a part per env: what was measured, and where it lies."""

import functools
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

import mjxdex
from mjxdex import config_files
from mjxdex.config import Config

SHIPPED = Path(__file__).with_name("coefficients.yaml")
"""Coefficients that come with the package."""
MADRONA_BYTES, MADRONA_SECONDS = (5.8e9, 0.56e6), (0.9e-3, 5.8e-6)
"""What Madrona takes outside of JAX, and how much longer than our own renderer it draws: a fixed part and one
per env, 160x120 on an H100 (docs/performance.md)."""
SECTIONS = ("observation", "camera", "render", "network", "physics", "fabric")
SETTINGS = (
    "env.objects", "ppo.horizon", "ppo.epochs", "ppo.minibatches", "ppo.bootstrap_time_limits",
    "runtime.matmul_precision",
)  # fmt: skip
SOURCES = ("learning", "networks", "physics", "render", "task", "fabric", "types.py", "scene.py")


@dataclass(frozen=True)
class Line:
    """fixed + per_env * envs."""

    fixed: float
    per_env: float

    def at(self, envs: float) -> float:
        return self.fixed + self.per_env * envs

    def __add__(self, other: "Line") -> "Line":
        return Line(self.fixed + other.fixed, self.per_env + other.per_env)

    @classmethod
    def through(cls, few: tuple[float, float], many: tuple[float, float]) -> "Line":
        """The line through two points (envs, value)."""
        per_env = (many[1] - few[1]) / (many[0] - few[0])
        return cls(few[1] - per_env * few[0], per_env)


@dataclass(frozen=True)
class Coefficients:
    """Costs of one configuration on one kind of device. Envs are those of one device.

    Attributes:
      config: name of the configuration, for people.
      settings: digest of the settings that matter, see `settings_digest`.
      device: kind of device, as JAX names it.
      origin: how, with what and when they came about.
      sim_bytes: peak inside JAX's allocator of a simulating device.
      sim_outside_bytes: its memory outside: CUDA context, kernels, Warp's pool, renderer.
      acting_bytes: peak in JAX of the policy that acts, with the rollout that it fills.
      learning_bytes: peak in JAX of the update, with the rollout.
      learner_outside_bytes: memory of a learning device outside of JAX.
      step_seconds: one control step with its image.
      act_seconds: inference of one control step.
      update_seconds: one update.
      message_bytes: what one env sends to the learner per control step.
      rollout_bytes: what one env adds to a rollout.
      gradient_bytes: gradients of both networks.
      updates: optimizer steps per update.
      link_bytes_per_s: between two devices.
    """

    config: str
    settings: str
    device: str
    origin: str
    sim_bytes: Line
    sim_outside_bytes: Line
    acting_bytes: Line
    learning_bytes: Line
    learner_outside_bytes: Line
    step_seconds: Line
    act_seconds: Line
    update_seconds: Line
    message_bytes: float
    rollout_bytes: float
    gradient_bytes: float
    updates: int
    link_bytes_per_s: float


@dataclass(frozen=True)
class Found:
    """Coefficients, and a sentence about where they come from."""

    costs: Coefficients
    source: str


def to_dict(costs: Coefficients) -> dict[str, Any]:
    return asdict(costs)


def from_dict(tree: dict[str, Any]) -> Coefficients:
    lines = {field.name: Line(**tree[field.name]) for field in fields(Coefficients) if field.type is Line}
    return Coefficients(**{**tree, **lines})


def settings_digest(config: Config) -> str:
    """Changes with every setting that memory or time depends on, and with no other."""
    tree = config_files.to_dict(config)
    parts: dict[str, Any] = {section: tree[section] for section in SECTIONS}
    for setting in SETTINGS:
        section, name = setting.split(".")
        parts[setting] = tree[section][name]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@functools.cache
def source_digest() -> str:
    """Changes with the code that simulates and learns."""
    root = Path(mjxdex.__file__).parent
    files = [path for name in SOURCES for path in sorted([root / name, *(root / name).rglob("*.py")])]
    content = b"".join(path.read_bytes() for path in files if path.is_file())
    return hashlib.sha256(content).hexdigest()[:16]


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mjxdex" / "plan"


def cache_path(config: Config, device: str, source: str | None = None) -> Path:
    """Where measurements lie: another file for another device, jax, config or version of the code.

    Args:
      source: digest of the code; None for that of this package.
    """
    versions = [importlib.metadata.version(name) for name in ("jax", "jaxlib")]
    parts = [device, *versions, settings_digest(config), source or source_digest()]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
    return cache_folder() / f"{key}.yaml"


def store(config: Config, costs: Coefficients) -> Path:
    """Writes measurements into the cache."""
    path = cache_path(config, costs.device)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(yaml.safe_dump(to_dict(costs), sort_keys=False))
    fresh.replace(path)
    return path


def shipped(path: Path = SHIPPED) -> list[Coefficients]:
    """The coefficients of a file."""
    return [from_dict(entry) for entry in yaml.safe_load(path.read_text()) or []]


def add(path: Path, costs: Coefficients) -> None:
    """Puts coefficients into a file in place of those of the same settings and device."""
    others = [
        entry
        for entry in (shipped(path) if path.exists() else [])
        if (entry.settings, entry.device) != (costs.settings, costs.device)
    ]
    entries = [to_dict(entry) for entry in [*others, costs]]
    path.write_text(yaml.safe_dump(entries, sort_keys=False, width=110))


def find(config: Config, device: str, table: Sequence[Coefficients] | None = None) -> Found | None:
    """The best coefficients there are for a configuration on a kind of device.

    First those measured on this machine, then those of the package for this kind of device, then those of
    the package for another: memory hardly depends on the kind, time does, and the source says so.

    Args:
      table: in place of the package's.
    """
    path = cache_path(config, device)
    if path.is_file():
        return Found(from_dict(yaml.safe_load(path.read_text())), f"measured on this machine ({path})")
    if config.render.backend == "madrona":
        return _with_madrona(find(_drawn_by_warp(config), device, table))
    settings = settings_digest(config)
    known = [entry for entry in (shipped() if table is None else table) if entry.settings == settings]
    for entry in known:
        if entry.device == device:
            return Found(entry, f"table of the package: {entry.origin}")
    for entry in known:
        return Found(
            entry,
            f"table of the package for {entry.device}, so speed on {device} will differ: {entry.origin}",
        )
    return None


def _drawn_by_warp(config: Config) -> Config:
    return config_files.from_dict(config_files.to_dict(config), {"render.backend": "warp"})


def _with_madrona(found: Found | None) -> Found | None:
    """What is known of our own renderer, with the difference that was measured at 160x120."""
    if found is None:
        return None
    costs = replace(
        found.costs,
        sim_outside_bytes=found.costs.sim_outside_bytes + Line(*MADRONA_BYTES),
        step_seconds=found.costs.step_seconds + Line(*MADRONA_SECONDS),
    )
    return Found(costs, f"{found.source}; for Madrona its memory and time at 160x120 were added")
