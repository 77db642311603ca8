"""What is made of the driver's answers, with a program in the place of nvidia-smi."""

import stat

import pytest

from mjxdex.evaluation import processes
from mjxdex.runtime import gpu_memory


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Puts a shell script in nvidia-smi's place."""
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    def says(script: str) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    return says


def test_memory_is_in_bytes_and_of_the_first_visible_gpu(driver, monkeypatch):
    driver('case "$*" in *"-i 3 "*memory.total*) echo 81559;; *"-i 3 "*name*) echo NVIDIA H100;; esac')
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    assert gpu_memory.total_bytes() == 81559 * 2**20
    assert gpu_memory.kind() == "NVIDIA H100"


def test_used_memory_is_of_each_visible_gpu(driver, monkeypatch):
    driver('case "$*" in *"-i 3,1 "*memory.used*) echo 5; echo 7;; esac')
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    assert processes.gpu_used() == [5, 7]


@pytest.mark.parametrize(
    "what", [gpu_memory.kind, gpu_memory.total_bytes, gpu_memory.used_bytes, processes.gpu_used]
)
def test_a_driver_that_fails_is_no_gpu(driver, what):
    driver("echo couldn\\'t communicate with the driver; exit 9")
    assert what() is None
