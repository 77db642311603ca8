"""What the driver says of the first visible GPU, without taking any of its memory.

None stands for no GPU that JAX could use: no driver, one that fails, or JAX_PLATFORMS=cpu.
"""

import os
import shutil
import subprocess


def used_bytes() -> int | None:
    """Memory in use on the first visible GPU, of all processes, or None."""
    return _bytes("memory.used")


def total_bytes() -> int | None:
    """Memory of the first visible GPU, or None."""
    return _bytes("memory.total")


def kind() -> str | None:
    """Name of the first visible GPU, the same as JAX's `device_kind`, or None."""
    return _ask("name")


def _bytes(field: str) -> int | None:
    mebibytes = _ask(field)
    return None if mebibytes is None else round(float(mebibytes) * 2**20)


def _ask(field: str) -> str | None:
    if os.environ.get("JAX_PLATFORMS") == "cpu":
        return None
    first = (os.environ.get("CUDA_VISIBLE_DEVICES") or "0").split(",")[0]
    lines = query(field, first)
    return lines[0] if lines else None


def query(field: str, gpus: str | None) -> list[str] | None:
    """What nvidia-smi says of a field, by GPU; None where there is no driver, or one that fails.

    Args:
      field: such as memory.used.
      gpus: which, separated by commas; None for all.
    """
    if not shutil.which("nvidia-smi"):
        return None
    which = ["-i", gpus] if gpus else []
    command = ["nvidia-smi", *which, f"--query-gpu={field}", "--format=csv,noheader,nounits"]
    answer = subprocess.run(command, capture_output=True, text=True)
    return None if answer.returncode else answer.stdout.strip().splitlines()
