"""Measuring in processes of their own: what one takes or breaks does not touch the next."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from typing import Any

RESULT = "result: "
"""How the line of a case starts."""
_LONGEST = 300
"""Characters of an error."""


def run(module: str, arguments: list[str], seconds: float) -> tuple[list[dict[str, Any]], str]:
    """Runs `python -m module arguments`.

    Args:
      module: prints its results with `tell`.
      arguments: of the command line.
      seconds: after which it is stopped.

    Returns: Fields of the results that came, and how the process ended, for when there are too few.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments], capture_output=True, text=True, timeout=seconds
        )
        output, lines = done.stdout, done.stderr.strip().splitlines()
        end = f"ended with {done.returncode}: {lines[-1] if lines else 'no message'}"
    except subprocess.TimeoutExpired as error:
        output = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout or ""
        end = f"not done after {seconds:.0f} s"
    found = [json.loads(line.removeprefix(RESULT)) for line in output.splitlines() if line.startswith(RESULT)]
    return found, end


def tell(result: Any) -> None:
    """Hands a result, a dataclass of plain values, to the process that called `run`."""
    print(RESULT + json.dumps(asdict(result)), flush=True)


def short(error: Exception) -> str:
    """An error in one line that fits a table."""
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= _LONGEST else said[:_LONGEST] + " ..."


def gpu_used() -> list[int] | None:
    """Used memory of each visible GPU, MiB; None without nvidia-smi."""
    if shutil.which("nvidia-smi") is None:
        return None
    query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    if visible := os.environ.get("CUDA_VISIBLE_DEVICES"):
        query.append(f"--id={visible}")
    lines = subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()
    return [int(line) for line in lines]
