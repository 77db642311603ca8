"""Several machines, one process each: how they find one another, and what they have to agree on.

Every process runs the same program on its own devices. Only the learners of all processes work as one, on
collectives; simulators know nothing of other machines. Processes write into one run folder on a shared disk.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from jax.experimental import multihost_utils

from mjxdex.config import UserError

SYNTAX = "HOST:PORT,PROCESSES,INDEX, such as node1:12355,2,0 on the first of two machines"
HEARTBEAT_S = 60
"""Seconds without a sign of life after which a process counts as lost; JAX then ends all others."""
WAIT_S = 1800
"""Seconds a process waits for the others where they meet, such as for one that builds its scene first."""
LOST = ("Gloo", "NCCL", "Connection closed by peer", "oordination service")
"""What errors of collectives say when the other side is gone."""


def join(spec: str) -> None:
    """Connects this process with the others; JAX must not have been used yet.

    Args:
      spec: address of process 0 that all can reach, number of processes, index of this one; see SYNTAX.

    Raises: UserError: It is written in another way, or not all processes came.
    """
    address, *numbers = spec.split(",")
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or len(numbers) != 2 or not all(n.isdigit() for n in numbers):
        raise UserError(f"--machines is {spec!r}; it must look like {SYNTAX}")
    processes, index = map(int, numbers)
    if not index < processes:
        raise UserError(f"--machines {spec}: the index of {processes} processes is 0 to {processes - 1}")
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    # Programs of one CPU device otherwise run side by side, and Gloo mixes their collectives up.
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    try:
        jax.distributed.initialize(
            address, processes, index, heartbeat_timeout_seconds=HEARTBEAT_S,
            cluster_detection_method="deactivate",  # which would give a process one device only
        )  # fmt: skip
    except RuntimeError as error:
        raise UserError(f"--machines {spec}: the processes did not find each other: {error}") from error


@contextmanager
def ending_with_the_others(folder: Path) -> Iterator[None]:
    """Ends this process with a message where another one is lost: learning cannot go on without it.

    Args:
      folder: the run folder, to go on from.
    """
    try:
        yield
    except (ValueError, jax.errors.JaxRuntimeError) as error:
        if not several() or not any(sign in str(error) for sign in LOST):
            raise
        print(
            f"error: another process of this run was lost ({' '.join(str(error).split())[:200]}). Start all "
            f"again with --resume {folder}; they go on from the newest checkpoint",
            file=sys.stderr, flush=True,
        )  # fmt: skip
        os._exit(1)  # JAX's own way out would wait for the lost one


def several() -> bool:
    """Whether there are other processes."""
    return jax.process_count() > 1


def first() -> bool:
    """Whether this is the process that writes the run folder and talks."""
    return jax.process_index() == 0


def any_of(flag: bool) -> bool:
    """Whether the flag is set in some process; all of them have to ask."""
    return bool(multihost_utils.process_allgather(np.asarray(flag)).any()) if several() else flag


def wait(what: str) -> None:
    """Returns once all processes have come to this point, which `what` names; a name serves once.

    No device takes part: Gloo gives up after half a minute where one process connects much later.
    """
    if several():
        ocp.multihost.get_barrier_sync_fn()(key=what, timeout_ms=1000 * WAIT_S)


def whole(tree: Any) -> Any:
    """Arrays that are split over learners of all processes, each as a whole on the host of every process."""
    return multihost_utils.process_allgather(tree, tiled=True)
