"""Two processes learn what one process with all their devices learns, and a lost one ends the run clearly."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mjxdex.config import UserError
from mjxdex.runtime import machines
from mjxdex.runtime.metrics import read
from tests.runtime.on_machines import CHECKPOINT_EVERY

ROOT = Path(__file__).parents[2]


def start(folder: Path, topology: str, iterations: int, devices: int, *spec: str) -> subprocess.Popen[str]:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
    }
    command = [sys.executable, "-m", "tests.runtime.on_machines", str(folder), topology, str(iterations)]
    return subprocess.Popen(
        [*command, *spec],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_two(folder: Path, iterations: int) -> list[subprocess.Popen[str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    return [start(folder, "s0-l1", iterations, 2, f"{address},2,{index}") for index in range(2)]


def finish(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output


def digest(output: str) -> str:
    name, _, value = output.splitlines()[-1].partition(":")
    assert name == "parameters sha256" and len(value) == 64
    return value


@pytest.mark.slow  # five processes, and what they say to each other depends on the host's network
def test_two_machines_learn_as_one_and_outlive_a_loss(tmp_path: Path) -> None:
    end = 2 * CHECKPOINT_EVERY
    want = digest(finish(start(tmp_path / "one", "s0,1-l2,3", end, 4)))

    both = tmp_path / "both"
    first, second = start_two(both, 1_000_000)
    while len(read(both)) < CHECKPOINT_EVERY * 3 // 2:
        if first.poll() is not None:
            second.kill()
            pytest.fail(
                "\n".join(f"{process.returncode}: {process.communicate()[1]}" for process in (first, second))
            )
        time.sleep(0.05)
    second.kill()
    _, errors = first.communicate(timeout=200)
    assert first.returncode == 1, errors
    (line,) = [line for line in errors.splitlines() if line.startswith("error:")]
    assert "another process of this run was lost" in line and f"--resume {both}" in line

    outputs = [finish(process) for process in start_two(both, end)]
    assert f"resuming {both} after iteration {CHECKPOINT_EVERY}" in outputs[0]
    assert "iteration" not in outputs[1]
    assert [row["iteration"] for row in read(both)] == list(range(1, end + 1))
    assert digest(outputs[0]) == want


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("node1,2,0", "must look like HOST:PORT,PROCESSES,INDEX"),
        ("node1:1234,2", "must look like"),
        ("node1:1234,2,2", "the index of 2 processes is 0 to 1"),
    ],
)
def test_mistakes(spec: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        machines.join(spec)
    assert "\n" not in str(error.value)
