"""The halves of the sim-to-sim gap as `scripts/sim_gap.py` asks for them: one is read, one is played."""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mjxdex import objects as object_sets
from mjxdex.config import Config, UserError
from mjxdex.config_adr import NUM_LEVELS
from mjxdex.deploy.episodes import UNLIMITED, Episode, Episodes
from mjxdex.deploy.gap_report import CELL, MJX, Half
from mjxdex.deploy.policy import OnnxPolicy
from mjxdex.deploy.safety import Limits
from mjxdex.evaluation.report import ObjectResult, result

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Settings:
    """What the cell plays.

    Attributes:
      policy: ONNX file.
      objects: name or file of the set; None for the policy's.
      level: ADR level of places, fabric and velocity targets; None for the policy's.
      limit: only the first so many objects; None for all.
      trials: passes over the objects.
      seed: of the places.
      safety: the robot's limits stop it, as they would stop a real one.
      processes: that play side by side.
    """

    policy: Path
    objects: str | None = None
    level: int | None = None
    limit: int | None = None
    trials: int = 1
    seed: int = 0
    safety: bool = False
    processes: int = 1


def _check(settings: Settings) -> None:
    """Raises UserError for an option that cannot work, with what is allowed."""
    for name in ("limit", "trials", "processes"):
        value = getattr(settings, name)
        if value is not None and value < 1:
            raise UserError(f"--{name} is {value}; it must be 1 or more")
    if settings.level is not None and not 0 <= settings.level <= NUM_LEVELS:
        raise UserError(f"--level is {settings.level}; it must be 0 to {NUM_LEVELS}")


def read_mjx(path: Path) -> Half:
    """What `scripts/evaluate.py --json` wrote.

    Raises:
      UserError: it is not there, or not such a file.
    """
    return _half(MJX, _read(path), path)


def read_cell(path: Path) -> Half:
    """The cell's half of what `scripts/sim_gap.py --json` wrote; raises likewise."""
    return _half(CELL, _read(path).get("cell", {}), path)


def play(
    settings: Settings,
    like: Half | None = None,
    track: Callable[[list[Future[Episode]]], Iterable[Future[Episode]]] = iter,
) -> Half:
    """Plays all episodes in the cell.

    Args:
      settings: what to play.
      like: the other half; gives objects and level where the settings do not, and the length of episodes.
      track: wraps the iteration over episodes to come, such as rich.progress.track.

    Raises:
      UserError: an option that cannot work, with what is allowed.
    """
    _check(settings)
    policy = OnnxPolicy(settings.policy)
    if like is None:
        set_name, level, steps = policy.config.env.objects, policy.adr_level, None
    else:
        set_name, level, steps = like.run["objects"], like.run["level"], like.control_steps
    set_name = settings.objects or set_name
    level = level if settings.level is None else settings.level
    objects = object_sets.load(set_name)
    names = objects.names[: settings.limit]
    turns = [(k, trial) for trial in range(settings.trials) for k in range(len(names))]
    player = (settings.policy, set_name, level, steps, settings.seed, settings.safety)
    for name in _THREADS:  # inherited by the processes, each of which would take all cores
        os.environ.setdefault(name, "1")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(settings.processes, spawn, _begin, player) as pool:
        episodes = [turn.result() for turn in track([pool.submit(_play, *turn) for turn in turns])]
    return Half(
        engine=CELL,
        run={
            "config": policy.config.name,
            "adr_level": policy.adr_level,
            "objects": objects.name,
            "level": level,
            "seed": settings.seed,
            "safety": settings.safety,
        },
        control_steps=len(episodes[0].success),
        objects=[_count([e for e in episodes if e.object == name], policy.config) for name in names],
        stops={name: [e.stops[0] for e in episodes if e.object == name and e.stops] for name in names},
    )


def _count(episodes: list[Episode], config: Config) -> ObjectResult:
    success = np.stack([episode.success for episode in episodes], axis=1)
    lost = np.stack([episode.lost for episode in episodes], axis=1)
    return result(episodes[0].object, success, lost, config.physics.control_period)


_episodes: Episodes
"""Of a process of the pool."""


def _begin(policy: Path, objects: str, level: int, steps: int | None, seed: int, safety: bool) -> None:
    global _episodes
    _episodes = Episodes(
        OnnxPolicy(policy, adr_level=level),
        object_sets.load(objects),
        limits=Limits() if safety else UNLIMITED,
        seed=seed,
        steps=steps,
    )


def _play(object_id: int, trial: int) -> Episode:
    return _episodes.play(object_id, trial)


def _read(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except OSError:
        raise UserError(f"there is no file {path}") from None
    except ValueError:
        raise UserError(f"{path} is no JSON file") from None


def _half(engine: str, found: dict, path: Path) -> Half:
    try:
        rows = [ObjectResult(**row) for row in found["objects"]]
        return Half(engine, found["run"], found["control_steps"], rows, found.get("stops", {}))
    except (KeyError, TypeError):
        raise UserError(
            f"{path} has no results of {engine}; evaluate.py RUN --json FILE writes those of {MJX}, "
            f"sim_gap.py --json FILE those of {CELL}"
        ) from None
