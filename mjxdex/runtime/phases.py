"""Wall time of a training iteration by phase."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import jax

PHASES_OF_ROLES = {
    "learner": {"simulator": ("physics", "render"), "learner": ("inference", "update")},
    "simulator": {"simulator": ("physics", "render", "inference"), "learner": ("update",)},
}
"""By `runtime.trajectory`: phases in which a role's devices work."""


class Phases:
    """Times the phases of one iteration.

    Args:
      blocking: Wait for each phase's results. Otherwise phases overlap on the devices, and nothing is known
        about each by itself.
      announce: Wraps the first run of each phase, given its name; of use while programs compile.
      trajectory: As in `runtime.trajectory`.
    """

    def __init__(
        self,
        blocking: bool,
        announce: Callable[[str], AbstractContextManager] | None = None,
        trajectory: str = "learner",
    ) -> None:
        self.blocking = blocking
        self.roles = PHASES_OF_ROLES[trajectory]
        self.announce = announce
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, name: str) -> Iterator[Callable[[Any], Any]]:
        """Yields a function to pass the phase's results through."""
        start = time.perf_counter()
        first_run = name not in self.seconds
        with self.announce(name) if self.announce and first_run else nullcontext():
            yield jax.block_until_ready if self.blocking else (lambda results: results)
        self.seconds[name] += time.perf_counter() - start

    def metrics(self) -> dict[str, float]:
        """Milliseconds by phase, and the share of the iteration in which each role has nothing to do."""
        if not self.blocking:
            return {}
        total = sum(self.seconds.values())
        busy = {role: sum(self.seconds[name] for name in names) for role, names in self.roles.items()}
        return {
            **{f"time/{name}_ms": 1e3 * seconds for name, seconds in self.seconds.items()},
            **{f"time/{role}_idle": 1 - seconds / total for role, seconds in busy.items()},
        }
