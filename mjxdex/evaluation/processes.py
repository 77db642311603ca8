"""Measuring in processes of their own: what one takes or breaks does not touch the next."""

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from mjxdex.runtime import gpu_memory

RESULT = "result: "
"""How the line of a case starts."""
_LONGEST = 300
"""Characters of an error."""


def run(
    module: str, arguments: list[str], seconds: float, variables: dict[str, str] | None = None
) -> tuple[list[dict[str, Any]], str]:
    """Runs `python -m module arguments`.

    Args:
      module: prints its results with `tell`.
      arguments: of the command line.
      seconds: after which it is stopped.
      variables: of its environment, on top of this process's.

    Returns: Fields of the results that came, and how the process ended, for when there are too few.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments], capture_output=True, text=True, timeout=seconds,
            env=os.environ | _enough_threads() | (variables or {}),
        )  # fmt: skip
        output = done.stdout
        end = f"ended with {done.returncode}: {_last_words(done.stderr)}"
    except subprocess.TimeoutExpired as error:
        output = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout or ""
        end = f"not done after {seconds:.0f} s"
    found = [json.loads(line.removeprefix(RESULT)) for line in output.splitlines() if line.startswith(RESULT)]
    return found, end


def _enough_threads() -> dict[str, str]:
    """Two threads for each virtual CPU device: of the pool they share, a collective holds one per device that
    waits for the others, so with fewer the others may never come."""
    virtual = re.search(r"xla_force_host_platform_device_count=(\d+)", os.environ.get("XLA_FLAGS", ""))
    if not virtual or "NPROC" in os.environ:
        return {}
    return {"NPROC": str(max(2 * int(virtual[1]), os.cpu_count() or 1))}


def _last_words(errors: str) -> str:
    """The last line that is not of a stack trace of C++."""
    lines = [line for line in errors.splitlines() if line.strip() and not re.match(r" +@ |\*\*\* ", line)]
    return _clipped(lines[-1]) if lines else "no message"


def tell(result: Any) -> None:
    """Hands a result, a dataclass of plain values, to the process that called `run`."""
    print(RESULT + json.dumps(asdict(result)), flush=True)


def short(error: Exception) -> str:
    """An error in one line that fits a table."""
    return _clipped(str(error)) or type(error).__name__


def _clipped(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= _LONGEST else said[:_LONGEST] + " ..."


def gpu_used() -> list[int] | None:
    """Used memory of each visible GPU, MiB; None without a driver that answers."""
    lines = gpu_memory.query("memory.used", os.environ.get("CUDA_VISIBLE_DEVICES"))
    return None if lines is None else [int(line) for line in lines]
