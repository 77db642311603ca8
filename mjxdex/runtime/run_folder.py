"""The folder that holds everything of one run: config.yaml, meta.json, metrics, checkpoints, videos."""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jax

from mjxdex import config_files
from mjxdex.config import Config, UserError

MAY_CHANGE = (
    "runtime.topology", "runtime.trajectory", "runtime.iterations", "runtime.log_every",
    "runtime.timing_every", "runtime.profile_iteration", "runtime.checkpoint_every", "runtime.keep_last",
    "runtime.keep_best", "runtime.watchdog_s", "runtime.first_watchdog_s",
    "physics.contacts_per_env", "physics.constraints_per_env",
)  # fmt: skip
"""Settings that a resumed run may change; any other would make it another experiment."""

PACKAGES = (
    "mjxdex", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy",
    "mujoco", "mujoco-mjx", "warp-lang",
)  # fmt: skip


class RunError(UserError):
    """A run folder that cannot be used as asked."""


def create(config: Config, folder: Path | None = None, started_from: dict[str, Any] | None = None) -> Path:
    """Makes `folder`, or runs/NAME-YYYYmmdd-HHMMSS, and writes config.yaml and meta.json into it.

    Call it once everything that can be wrong with the config has been checked.

    Args:
      config: Of the run.
      folder: The run's; None names one.
      started_from: For meta.json, where the first parameters are from; None if they are random.

    Raises:
      RunError: the folder exists and is not empty; nothing is ever overwritten.
    """
    if folder is None:
        folder = Path("runs") / f"{config.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(
            f"{folder} already exists and is not empty; "
            f"continue it with --resume {folder}, or name another --run"
        )
    folder.mkdir(parents=True, exist_ok=True)
    config_files.save(config, folder / "config.yaml")
    _add_session(folder, config, resumed_at=None, started_from=started_from)
    return folder


def open_run(folder: Path) -> Config:
    """The resolved config of the run in `folder`.

    Raises:
      RunError: there is no run in that folder.
    """
    path = folder / "config.yaml"
    if not path.is_file():
        found = sorted(str(config.parent) for config in Path("runs").glob("*/config.yaml"))
        hint = f"; runs here: {', '.join(found[-5:])}" if found else ""
        raise RunError(f"there is no run in {folder} (no config.yaml){hint}")
    return config_files.load(path)


def resumed_config(folder: Path, name: str | None = None, overrides: dict[str, str] | None = None) -> Config:
    """The config with which the run in `folder` goes on.

    Args:
      folder: the run.
      name: a config named besides, which then has to agree with the run's; None takes the run's.
      overrides: changed settings; only those of MAY_CHANGE may differ from the run's.

    Raises:
      RunError: no run there, or settings that must not change do; the message lists them.
    """
    saved = open_run(folder)
    config = config_files.load(name or folder / "config.yaml", overrides)
    check_same(saved, config, f"the run in {folder}")
    return config


def check_trains(config: Config, resumed: Path | None) -> None:
    """Raises RunError where `config` is a student's, which scripts/train.py cannot train."""
    if resumed and config.distill.teacher:
        raise RunError(f"{resumed} is a student's run; go on with: distill_stereo.py --resume {resumed}")
    if config.observation.stereo or config.distill.teacher:
        raise RunError(
            f"{config.name} is for a student, which needs a teacher: "
            f"distill_stereo.py --teacher RUN --config {config.name}"
        )


def check_same(saved: Config, config: Config, what: str) -> None:
    """Raises RunError with the differing settings where `config` cannot continue `saved`."""
    changed = [line for line in config_files.diff(saved, config) if line.partition(":")[0] not in MAY_CHANGE]
    if changed:
        raise RunError(f"{what} has another config: {'; '.join(changed)}. Start a new run to change these")


def note_resume(folder: Path, config: Config, iteration: int) -> None:
    """Records in the folder that the run goes on from `iteration` with `config`."""
    config_files.save(config, folder / "config.yaml")
    _add_session(folder, config, resumed_at=iteration)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the results."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def _add_session(
    folder: Path, config: Config, resumed_at: int | None, started_from: dict[str, Any] | None = None
) -> None:
    path = folder / "meta.json"
    sessions = json.loads(path.read_text())["sessions"] if path.exists() else []
    session: dict[str, Any] = {
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "resumed_at_iteration": resumed_at,
        "started_from": started_from,
        "command": sys.argv,
        "seed": config.seed,
        "commit": commit(),
        "versions": versions(),
        "host": {"system": platform.platform(), "cpus": os.cpu_count()},
        "devices": [device.device_kind for device in jax.local_devices()],
    }
    _replace(path, json.dumps({"sessions": [*sessions, session]}, indent=2) + "\n")


def commit() -> str | None:
    """The commit of the code that runs, where it is a git checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=5)
    except OSError:
        return None
    return answer.stdout.strip() or None


def _replace(path: Path, text: str) -> None:
    """Writes a file in one piece: a kill leaves the old or the new one."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.replace(path)
