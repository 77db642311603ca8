"""Says where a run hangs: stacks of all threads, once a stretch of work takes far longer than it should."""

import contextlib
import faulthandler
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import jax

FILE = "hangs.txt"
"""In the run folder; there only if something took too long. That of machine 1 is hangs-1.txt."""
_TO_WRITE = 1.0
"""Seconds that faulthandler has for the file before it is shown."""


class Watchdog:
    """Watches stretches of work, one at a time, as a context manager; leaving it removes an empty file.

    Stacks are written by a thread of faulthandler's that needs no GIL: a hang inside of a native call that
    holds it is seen too. Only what goes to standard error waits for the GIL.

    Args:
      folder: the run folder.
    """

    def __init__(self, folder: Path) -> None:
        index = jax.process_index()
        self.path = folder / (FILE if index == 0 else f"hangs-{index}.txt")
        self._file = self.path.open("a")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self.path.stat().st_size:
            self.path.unlink()

    @contextlib.contextmanager
    def __call__(self, what: str, seconds: float) -> Iterator[None]:
        """Writes all stacks to the file and to standard error if the body takes longer than `seconds`.

        It does so once and then waits on. 0 seconds watch nothing.

        Args:
          what: the work, for people: "iteration 12".
          seconds: most that it may take.
        """
        if not seconds:
            yield
            return
        before = self.path.stat().st_size
        timer = threading.Timer(seconds + _TO_WRITE, self._show, (what, seconds, before))
        timer.daemon = True
        faulthandler.dump_traceback_later(seconds, file=self._file)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            faulthandler.cancel_dump_traceback_later()

    def _show(self, what: str, seconds: float, before: int) -> None:
        stacks = self.path.read_text()[before:]
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        said = f"warning: {now}: {what} has taken more than {seconds:g} s; what all threads do:\n{stacks}"
        said += f"(also in {self.path}; the run goes on waiting)\n"
        print(said, file=sys.stderr, flush=True)
        with self.path.open("a") as file:
            file.write(f"The above: {now}, {what}.\n\n")
