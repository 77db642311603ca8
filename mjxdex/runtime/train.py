"""A training run from its first iteration, or from a checkpoint, to its last."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import jax
import numpy as np
from rich.console import Console, RenderableType

from mjxdex.config import Config, UserError
from mjxdex.learning.digest import digest
from mjxdex.runtime import budget, compiled, machines, plan, run_folder, topology
from mjxdex.runtime.checkpoints import Checkpoints
from mjxdex.runtime.metrics import Metrics, read
from mjxdex.runtime.milestones import milestones, success_of
from mjxdex.runtime.phases import Phases
from mjxdex.runtime.progress import Progress
from mjxdex.runtime.start import Start
from mjxdex.runtime.topology import Topology
from mjxdex.runtime.trainer import Trainer, TrainState
from mjxdex.runtime.watchdog import Watchdog


def train(
    config: Config,
    folder: Path | None,
    resume: bool,
    make: Callable[[Config, Topology], Trainer] = Trainer,
    table: Callable[[Config, Topology], RenderableType] = plan.table,
    start: Start | None = None,
) -> Path:
    """Trains to `runtime.iterations` and prints the digest of the learned parameters.

    SIGTERM and SIGINT end the run after the iteration they arrive in (with `runtime.overlap` after the next),
    with a checkpoint. On several machines each runs this; the first one writes the folder, a signal to any
    ends all.

    Args:
      config: The whole configuration.
      folder: The run folder; None names a new one.
      resume: Whether to go on from the newest whole checkpoint in `folder`.
      make: Builds what trains.
      table: The plan that is shown before.
      start: What a new run starts from in place of random parameters.

    Returns: The run folder.
    Raises: mjxdex.config.UserError: The configuration, the devices or the folder do not fit.
    """
    console = Console(highlight=False, soft_wrap=True, quiet=not machines.first())
    if machines.several() and folder is None:
        raise UserError("several machines need a common run folder; name one on a shared disk with --run DIR")
    if config.runtime.matmul_precision != "default":
        jax.config.update("jax_default_matmul_precision", config.runtime.matmul_precision)
    if kept := compiled.keep():
        console.print(f"compiled programs are kept in {kept}")
    config, chosen = plan.settle(config)
    if chosen:
        console.print(chosen)
    split = topology.choose(config)
    console.print(table(config, split))
    console.print("building the scene and the networks")
    trainer = make(config, split)
    if start is not None:
        start.check(config, trainer.saved_shapes())
    if not resume or folder is None:
        if machines.first():
            folder = run_folder.create(config, folder, start and start.record())
        assert folder is not None
        console.print(f"run folder: {folder}")
        if machines.first():
            trainer.begin(folder)
    machines.wait("the run folder is there")
    with Watchdog(folder) as watchdog, Checkpoints(folder, config) as checkpoints:
        resumed_at = None
        if resume:
            restored = checkpoints.restore(trainer.saved_shapes())
            for notice in restored.notices:
                console.print(f"notice: {notice}")
            resumed_at = restored.iteration
            console.print(f"resuming {folder} after iteration {resumed_at}")
            if machines.first():
                run_folder.note_resume(folder, config, resumed_at)
        with watchdog("building the first state", config.runtime.first_watchdog_s):
            if resume:
                state = trainer.place(restored.state)
            elif start is not None:
                state = trainer.init(lambda fresh: start.fill(config, fresh))
                console.print(start.summary())
            else:
                state = trainer.init()
        metrics = Metrics(folder, resumed_at) if machines.first() else None
        with (
            _stop_signal() as stopped,
            Progress(config, start=int(state.iteration), console=console) as progress,
            machines.ending_with_the_others(folder),
        ):
            state = _loop(config, folder, trainer, state, checkpoints, metrics, progress, watchdog, stopped)
        if metrics:
            metrics.close()
        with watchdog("the last checkpoint", config.runtime.watchdog_s):
            checkpoints.wait()
    if metrics and (rows := read(folder)):
        console.print(milestones(rows).sentence())
    if int(state.iteration) < config.runtime.iterations:
        console.print(f"stopped and saved; go on with: {trainer.script} --resume {folder}")
    if machines.first():
        print(f"parameters sha256:{digest(trainer.parameters(state))}")
    return folder


def _loop(
    config: Config,
    folder: Path,
    trainer: Trainer,
    state: TrainState,
    checkpoints: Checkpoints,
    metrics: Metrics | None,
    progress: Progress,
    watchdog: Watchdog,
    stopped: list[int],
) -> TrainState:
    runtime = config.runtime
    first = int(state.iteration) + 1
    steps = config.env.num_envs * config.ppo.horizon
    stops = False
    for iteration in range(first, runtime.iterations + 1):
        timed = runtime.timing_every and iteration % runtime.timing_every == 0
        compiles = iteration == first
        announce = progress.compiling if compiles else None
        phases = Phases(bool(timed or compiles), announce, runtime.trajectory)
        profiled = iteration == runtime.profile_iteration
        saved = iteration == runtime.iterations or iteration % runtime.checkpoint_every == 0
        ahead = runtime.overlap and not saved and not stops
        limit = runtime.first_watchdog_s if compiles else runtime.watchdog_s
        with watchdog(f"iteration {iteration}", limit):
            start = time.perf_counter()
            with jax.profiler.trace(str(folder / "trace")) if profiled else nullcontext():
                state, values = trainer.iterate(state, phases, ahead)
                row = {name: float(value) for name, value in jax.device_get(values).items()}
            seconds = time.perf_counter() - start
            if not np.isfinite(row[trainer.loss]):
                raise UserError(
                    f"{trainer.loss} became {row[trainer.loss]} in iteration {iteration}; the run folder "
                    "holds the last checkpoint before it"
                )
            row |= {"time/iteration_s": seconds, "env_steps": float(iteration * steps)}
            if not compiles:
                row |= {"env_steps_per_s": steps / seconds} | phases.metrics()
            if metrics and (iteration % runtime.log_every == 0 or iteration == runtime.iterations):
                metrics.write(iteration, row)
            progress.update(iteration, row)
            budget.check(config.physics, row)
            # A rollout collected ahead is in no checkpoint: it takes one more iteration to use it up.
            stops = machines.any_of(bool(stopped))
            ends = iteration == runtime.iterations or (stops and not ahead)
            if saved or ends:
                checkpoints.save(iteration, trainer.to_host(state), success=success_of(row))
        if ends:
            break
    return state


@contextmanager
def _stop_signal() -> Iterator[list[int]]:
    """Collects SIGTERM and SIGINT instead of dying of them; a second SIGINT kills as usual."""
    received: list[int] = []

    def note(number: int, frame: object) -> None:
        received.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    previous = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
