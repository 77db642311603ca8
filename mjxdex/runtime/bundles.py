"""Bundles: what a run has learned, in one file small enough to travel and to ship.

A bundle is a zip file: bundle.json says what it is, arrays/PATH hold the arrays under their paths in a
checkpoint. It has no envs and no recurrent states, so a run goes on from it, but not exactly as from a
checkpoint. docs/bundles.md has sizes and errors.
"""

import contextlib
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from mjxdex import config_files
from mjxdex.config import Config, UserError
from mjxdex.learning.digest import digest
from mjxdex.runtime import checkpoints, metrics, run_folder
from mjxdex.runtime.checkpoints import Flat
from mjxdex.runtime.milestones import milestones
from mjxdex.runtime.storage import PRECISIONS, Precision, Stored, decode, encode
from mjxdex.task import adr

FORMAT = 1
SUFFIX = ".bundle"
_POLICYS = ("policy", "normalizers", "stats", "adr")
"""Parts of a checkpoint that every bundle has."""


class BundleError(UserError):
    """A file that is no bundle, or lacks what is asked of it."""


class Bundle(NamedTuple):
    """Attributes:
    path: The file.
    config: The run's configuration.
    arrays: By path: policy, normalizers, ADR state; critic and second moments if they are stored. A student's
      statistics are its normalizers.
    precision: Of the networks' kernels.
    provenance: Run, iteration, env steps, ADR level, milestones of its training, seed, commit, digest of the
      exact parameters.
    """

    path: Path
    config: Config
    arrays: Flat
    precision: Precision
    provenance: dict[str, Any]

    @property
    def iteration(self) -> int:
        return self.provenance["iteration"]

    @property
    def adr_level(self) -> int:
        return int(self.arrays["adr.level"])

    @property
    def is_students(self) -> bool:
        return bool(self.config.distill.teacher)

    @property
    def has_critic(self) -> bool:
        return any(path.startswith("learner.critic.") for path in self.arrays)

    @property
    def has_moments(self) -> bool:
        return any(path.startswith("learner.policy_opt.") for path in self.arrays)


def write(
    folder: Path, path: Path, shapes: Any, precision: Precision, *, critic: bool, moments: bool
) -> list[str]:
    """Bundles the newest whole checkpoint of a run.

    Args:
      folder: The run.
      path: File to write; it appears only when it is complete.
      shapes: Of what the run learns, see `trained.bundled_shapes`.
      precision: Of the networks' kernels; all else is exact.
      critic: Whether to store the critic too.
      moments: Whether to store Adam's second moments (factored), with which training can go on; asks for
        the critic.

    Returns: One line for each damaged checkpoint that was passed over.
    Raises: UserError: There is no run, no whole checkpoint, moments are asked for without the critic, or
      either of a student.
    """
    _check_parts(critic, moments)
    config = run_folder.open_run(folder)
    student = bool(config.distill.teacher)
    if student and critic:
        raise BundleError(
            f"{folder} is a student's run, which has no critic and does not go on from a bundle; leave out "
            "--critic and --moments"
        )
    level = jax.eval_shape(lambda: adr.init(config.adr))
    restored = checkpoints.load(folder, {"learner": shapes, "adr": level})
    learner, arrays = restored.state["learner"], {}
    for name, array in checkpoints.flatten(restored.state).items():
        if _is_wanted(name, critic, moments):
            arrays[name] = encode(np.asarray(array), "factored" if _is_moment(name) else precision)
    provenance = _provenance(folder, config, restored.iteration)
    provenance |= {"adr_level": int(restored.state["adr"].level)}
    exact = learner["policy"] if student else (learner.policy, learner.critic)
    provenance |= {"parameters": f"sha256:{digest(exact)}"}
    head = {
        "format": FORMAT,
        "config": config_files.to_dict(config),
        "precision": precision,
        "provenance": provenance,
        "versions": run_folder.versions(),
    }
    _save(path, head, arrays)
    return restored.notices


def repack(source: Path, path: Path, precision: Precision | None, *, critic: bool, moments: bool) -> None:
    """Bundles a part of a bundle, as it is stored there or rounded further.

    Args:
      source: The bundle.
      path: File to write; it appears only when it is complete.
      precision: Of the networks' kernels; None for that of `source`.
      critic, moments: Whether to take these over too.

    Raises: BundleError: `source` is no whole bundle of this version, lacks what is asked for, or is rounded
      more than `precision`; moments are asked for without the critic.
    """
    _check_parts(critic, moments)
    with _opened(source) as (file, head):
        stored = head["precision"]
        wanted: Precision = precision or stored
        if PRECISIONS.index(wanted) < PRECISIONS.index(stored):
            raise BundleError(f"{source} is stored in {stored}; {wanted} would only make it larger")
        parts = {_part(name) for name in head["arrays"]}
        if (critic and "critic" not in parts) or (moments and "policy_opt" not in parts):
            raise BundleError(
                f"{source} has no {'critic' if 'critic' not in parts else 'moments'} to take over"
            )
        arrays = {}
        for name, about in head["arrays"].items():
            if _is_wanted(name, critic, moments):
                array = Stored(about["storage"], tuple(about["shape"]), file.read(f"arrays/{name}"))
                rounds = wanted != stored and array.storage == stored and not _is_moment(name)
                arrays[name] = encode(decode(array), wanted) if rounds else array
    head["precision"] = wanted
    _save(path, head, arrays)


def _check_parts(critic: bool, moments: bool) -> None:
    if moments and not critic:
        raise BundleError("the optimizer's moments are of use only with the critic; add --critic")


def _is_wanted(name: str, critic: bool, moments: bool) -> bool:
    part = _part(name)
    return (
        part in _POLICYS
        or (critic and part == "critic")
        or (moments and (part == "step_size" or (part.endswith("_opt") and _is_moment(name))))
    )


def _is_moment(name: str) -> bool:
    """Second moments, and the count of steps that goes with them."""
    return ".nu." in name or name.endswith(".count")


def _part(name: str) -> str:
    """The part of a checkpoint that an array belongs to."""
    return name.removeprefix("learner.").partition(".")[0]


def _save(path: Path, head: dict[str, Any], arrays: dict[str, Stored]) -> None:
    head["arrays"] = {name: {"storage": a.storage, "shape": list(a.shape)} for name, a in arrays.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bundle.json", json.dumps(head, indent=2) + "\n")
        for name, array in arrays.items():
            file.writestr(f"arrays/{name}", array.data)
    os.replace(partial, path)


def read(path: Path) -> Bundle:
    """The bundle in a file, its arrays as they were before they were stored, up to rounding.

    Raises: BundleError: There is no such file, or it is no whole bundle of this version.
    """
    with _opened(path) as (file, head):
        arrays = {
            name: decode(Stored(a["storage"], tuple(a["shape"]), file.read(f"arrays/{name}")))
            for name, a in head["arrays"].items()
        }
    config = config_files.from_dict(head["config"])
    return Bundle(path, config, arrays, head["precision"], head["provenance"])


def outline(path: Path) -> tuple[Config, dict[str, tuple[int, ...]]]:
    """Configuration of the run behind a bundle, and shapes of its arrays by path; reads none of them.

    Raises: BundleError: As `read` does.
    """
    with _opened(path) as (_, head):
        shapes = {name: tuple(a["shape"]) for name, a in head["arrays"].items()}
    return config_files.from_dict(head["config"]), shapes


def is_bundle(path: Path) -> bool:
    """Whether a path means a bundle, be there one or not, and no run folder."""
    return path.is_file() or path.suffix == SUFFIX


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any]]]:
    """The file and its bundle.json; what goes wrong while it is read becomes a BundleError."""
    try:
        with zipfile.ZipFile(path) as file:
            head = json.loads(file.read("bundle.json"))
            if head["format"] != FORMAT:
                raise BundleError(f"{path} has format {head['format']}; this mjxdex reads format {FORMAT}")
            yield file, head
    except FileNotFoundError:
        raise BundleError(f"there is no file {path}") from None
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, KeyError, ValueError) as error:
        raise BundleError(f"{path} is no whole bundle ({error}); scripts/bundle.py makes one") from None


def check_fits(bundle: Bundle, config: Config, target: Any) -> None:
    """Raises BundleError, naming what differs, unless the bundle's arrays are of the target's networks.

    Args:
      bundle: What is to be used.
      config: The configuration that `target` was made for.
      target: A tree of arrays (or their shapes) with the paths of a checkpoint.
    """
    wanted = checkpoints.flatten(target)
    problems = checkpoints.misfits(bundle.arrays, {k: v for k, v in wanted.items() if k in bundle.arrays})
    unknown = [name for name in bundle.arrays if name not in wanted]
    missing = [name for name in wanted if name.startswith("learner.policy.") and name not in bundle.arrays]
    problems += [f"there is no {name} here" for name in unknown] + [f"it has no {name}" for name in missing]
    sees = [(group, getattr(bundle.config.observation, group), getattr(config.observation, group))
            for group in ("policy", *(("critic",) if bundle.has_critic else ()))]  # fmt: skip
    problems += [f"observation.{group} is another" for group, there, here in sees if there != here]
    if problems:
        parts = ("network.", "observation.", "camera.width", "camera.height", "env.objects")
        settings = [line for line in config_files.diff(bundle.config, config) if line.startswith(parts)]
        raise BundleError(
            f"{bundle.path} does not fit this config: {problems[0]}"
            f"{f' (and {len(problems) - 1} more)' if len(problems) > 1 else ''}; "
            f"settings of the bundle and here: {'; '.join(settings) or 'no difference'}"
        )


def training_until(folder: Path, iteration: int) -> dict[str, Any] | None:
    """Milestones of a run up to an iteration; None if it logged nothing."""
    rows = [row for row in metrics.read(folder) if row["iteration"] <= iteration]
    return asdict(milestones(rows)) if rows else None


def _provenance(folder: Path, config: Config, iteration: int) -> dict[str, Any]:
    sessions = json.loads((folder / "meta.json").read_text())["sessions"]
    return {
        "run": folder.resolve().name,
        "iteration": iteration,
        "env_steps": iteration * config.ppo.horizon * config.env.num_envs,
        "training": training_until(folder, iteration),
        "seed": config.seed,
        "commit": sessions[-1]["commit"],
        "started_from": sessions[0].get("started_from"),
    }


def find(name: str, folder: Path) -> Path:
    """The bundle NAME of a folder of shipped ones.

    Raises: BundleError: There is none of that name; the message lists those there are.
    """
    known = {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}
    if name in known:
        return known[name]
    there = f"there are {', '.join(sorted(known))}" if known else "none is shipped with this version"
    raise BundleError(
        f"there is no pretrained policy {name!r}; {there}. Train one with scripts/train.py --config NAME, "
        "or give the bundle of another machine by its path"
    )
