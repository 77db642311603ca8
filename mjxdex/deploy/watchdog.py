"""Stops the robot when the control loop does not come back."""

import threading
import time
from collections.abc import Callable


class Watchdog:
    """A thread that calls `stop` once if `feed` was not called for a while.

    Args:
      stop: brings the robot to rest; called from the watchdog's thread.
      timeout: s of real time.

    Attributes:
      tripped: it has called `stop` since the last `reset`.
    """

    def __init__(self, stop: Callable[[], None], timeout: float = 0.1) -> None:
        self.timeout, self.tripped = timeout, False
        self._stop, self._fed, self._closed = stop, time.monotonic(), threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="watchdog")

    def __enter__(self) -> "Watchdog":
        self.reset()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()

    def feed(self) -> None:
        self._fed = time.monotonic()

    def reset(self) -> None:
        """Starts anew after a stop."""
        self.feed()
        self.tripped = False

    def _watch(self) -> None:
        while not self._closed.wait(self.timeout / 10):
            if not self.tripped and time.monotonic() - self._fed > self.timeout:
                self.tripped = True
                self._stop()
