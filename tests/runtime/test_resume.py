"""A run that is killed and resumed ends with the same bits as one that was never stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mjxdex.runtime.metrics import read

ROOT = Path(__file__).parents[2]
TINY = {
    "--config": "smoke",
    "--env.num_envs": "8",
    "--ppo.minibatches": "2",
    "--ppo.horizon": "8",
    "--camera.every": "2",  # so that images show the past
    "--env.episode_length_s": "0.3",  # so that the ADR level rises within the run
    "--adr.start_level": "30",
    "--adr.min_resets": "1",
    "--adr.success_threshold": "-1",
    "--runtime.topology": "s0-l0",
    "--runtime.checkpoint_every": "2",
    "--runtime.iterations": "6",
}
START = [word for option in TINY.items() for word in option]

pytestmark = pytest.mark.slow


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "scripts/train.py", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(process: subprocess.Popen[str]) -> str:
    """The whole output of a run that has to succeed."""
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    return output


def digest(output: str) -> str:
    name, _, value = output.splitlines()[-1].partition(":")
    assert name == "parameters sha256" and len(value) == 64
    return value


def wait_for_rows(folder: Path, count: int) -> None:
    """Returns once `count` iterations are in the metrics."""
    path = folder / "metrics.csv"
    for _ in range(3000):
        if path.exists() and path.read_text().count("\n") > count:
            return
        time.sleep(0.1)
    raise TimeoutError(f"no iteration {count} in {path}")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """Digest and metrics, without times, of a run that nothing happens to."""
    folder = tmp_path_factory.mktemp("uninterrupted") / "run"
    value = digest(finish(start(*START, "--run", str(folder))))
    levels = [float(row["adr/level"]) for row in read(folder)]
    assert levels == sorted(levels) and 30 < levels[1] < levels[-1] < 50
    return value, metrics(folder)


def metrics(folder: Path) -> list[str]:
    rows = [line.split(",") for line in (folder / "metrics.csv").read_text().splitlines()]
    timeless = [i for i, name in enumerate(rows[0]) if "time/" not in name and "per_s" not in name]
    return [",".join(row[i] for i in timeless) for row in rows]


def test_sigkill(tmp_path: Path, uninterrupted: tuple[str, list[str]]) -> None:
    folder = tmp_path / "run"
    process = start(*START, "--run", str(folder))
    wait_for_rows(folder, 3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert digest(finish(start("--resume", str(folder)))) == uninterrupted[0]
    assert metrics(folder) == uninterrupted[1]


def test_sigterm_saves_and_succeeds(tmp_path: Path, uninterrupted: tuple[str, list[str]]) -> None:
    folder = tmp_path / "run"
    process = start(*START, "--run", str(folder))
    wait_for_rows(folder, 1)
    process.send_signal(signal.SIGTERM)
    output = finish(process)
    assert f"--resume {folder}" in output
    done = len(metrics(folder)) - 1
    assert done < 6 and (folder / "checkpoints" / str(done)).is_dir()
    assert digest(finish(start("--resume", str(folder)))) == uninterrupted[0]
