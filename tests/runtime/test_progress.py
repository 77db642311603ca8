"""What a run shows outside a terminal."""

import io
import re

import pytest
from rich.console import Console

from mjxdex import config_files
from mjxdex.runtime.progress import Progress, duration


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (61, "1 min 1 s"), (7500, "2 h 5 min"), (273_000, "3 d 3 h")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_plain_lines() -> None:
    out = io.StringIO()
    config = config_files.load("smoke", {"runtime.iterations": 3})
    with Progress(config, console=Console(file=out, soft_wrap=True)) as progress:
        with progress.compiling("physics"):
            pass
        for iteration in (1, 2, 3):
            progress.update(iteration, {"success": 0.25, "adr/level": 4.0})
    compiling, compiled, first, last = out.getvalue().splitlines()
    assert compiling.startswith("compiling physics (on a machine's first run Warp compiles")
    assert re.match(r"compiled physics in \d+\.\d s", compiled)
    assert first == "iteration 1/3 · success 25.0% · ADR 4"
    assert last.startswith("iteration 3/3 · ") and "env steps/s" in last and last.endswith("0 s left")
