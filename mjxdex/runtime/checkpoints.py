"""Checkpoints of a run: saved in the background, restored from the newest whole one.

A state is saved as a flat dictionary of arrays by path, such as "learner.params.lstm.kernel", next to a
record of every array's shape, dtype and CRC-32. So None leaves, tuples and typed PRNG keys come back as the
target has them, a part of a state can be read alone, and damage of any kind is noticed.
"""

import contextlib
import itertools
import logging
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers

from mjxdex import config_files
from mjxdex.config import Config, UserError
from mjxdex.runtime import machines, run_folder

Flat = dict[str, Any]


class CheckpointError(UserError):
    """No checkpoint can be restored."""


class Restored(NamedTuple):
    """What a checkpoint held.

    Attributes:
      iteration: training iterations done when it was saved.
      state: the target's tree, filled.
      notices: a line for each damaged checkpoint that was passed over.
    """

    iteration: int
    state: Any
    notices: list[str]


class Checkpoints:
    """The checkpoints of one run, in RUN/checkpoints/ITERATION.

    Kept are the newest `runtime.keep_last` and the `runtime.keep_best` of the highest success. A save is
    complete or not there at all, also after a kill. Leaving the context waits for the save in flight, which
    would be lost otherwise. Processes of several machines make the same calls with the same state.
    """

    def __init__(self, folder: Path, config: Config) -> None:
        self._config = config
        self._path = (folder / "checkpoints").resolve()
        policies: list[Any] = [checkpoint_managers.LatestN(config.runtime.keep_last)]
        if config.runtime.keep_best:
            policies.append(checkpoint_managers.BestN(get_metric_fn=_success, n=config.runtime.keep_best))
        options = ocp.CheckpointManagerOptions(
            preservation_policy=checkpoint_managers.AnyPreservationPolicy(policies),
            best_fn=_success,  # without it metrics are not written, and a resumed run forgets the best
        )
        self._manager = ocp.CheckpointManager(self._path, options=options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Waits for the save in flight and ends."""
        self.wait()
        self._manager.close()

    def wait(self) -> None:
        """Returns once every save is on disk."""
        self._manager.wait_until_finished()

    def save(self, iteration: int, state: Any, success: float) -> None:
        """Starts to save `state` and returns; its arrays may be donated from then on.

        Args:
          iteration: training iterations done.
          state: pytree of arrays; typed PRNG keys, None and arrays spread over devices are allowed.
          success: share of successful episodes, which decides which checkpoint is the best; NaN where no
            episode has ended yet.
        """
        arrays = flatten(state)
        if machines.several():
            arrays = jax.device_get(arrays)  # Orbax takes no arrays of one process's devices
        meta = {
            "iteration": iteration,
            "config": config_files.to_dict(self._config),
            "versions": run_folder.versions(),
            "arrays": {path: _record(array) for path, array in arrays.items()},
        }
        items = ocp.args.Composite(state=ocp.args.StandardSave(arrays), meta=ocp.args.JsonSave(meta))
        metrics = {"success": 0.0 if math.isnan(success) else float(success)}
        self._manager.save(iteration, args=items, metrics=metrics, force=True)

    def restore(self, target: Any) -> Restored:
        """The newest whole checkpoint. Damaged newer ones are set aside as corrupt-ITERATION, never deleted.

        Args:
          target: pytree of arrays, or of ShapeDtypeStruct; the state comes back in its structure and with
            its shardings (the first device where there is none).

        Raises:
          CheckpointError: no checkpoint is whole, or the newest whole one holds other arrays.
          run_folder.RunError: it was saved under another config; the differing settings are listed.
        """
        found = _newest_whole(self._manager, _shardings(target))
        if found.meta is None:
            raise CheckpointError(f"no checkpoint in {self._path} is whole; nothing was changed there")
        machines.wait("all have read the checkpoints")
        for iteration in found.damaged if machines.first() else []:
            aside = _free_name(self._path / f"corrupt-{iteration}")
            (self._path / str(iteration)).rename(aside)
            found.notices.append(f"checkpoint {iteration} is kept as {aside.name}")
        machines.wait("damaged checkpoints are out of the way")
        self._manager.reload()
        saved = config_files.from_dict(found.meta["config"])
        run_folder.check_same(saved, self._config, f"checkpoint {found.meta['iteration']}")
        unread = set(found.arrays) - set(flatten(target))
        return _restored(found, target, unread)


def load(folder: Path, target: Any) -> Restored:
    """(A part of) the newest whole checkpoint of the run in `folder`; changes nothing on disk.

    Args:
      folder: the run.
      target: pytree of arrays or ShapeDtypeStruct whose paths are among those saved. Attributes and
        dictionary keys count alike, so {"learner": {"params": ...}} reads state.learner.params.

    Raises:
      CheckpointError: no checkpoint is whole, or it lacks what the target asks for.
    """
    with _reading(folder) as manager:
        found = _newest_whole(manager, _shardings(target))
    if found.meta is None:
        raise CheckpointError(f"no checkpoint in {manager.directory} is whole")
    return _restored(found, target, unread=set())


def shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Shapes of the arrays in the newest checkpoint of the run in `folder`, by path; reads none of them.

    Raises: CheckpointError: there is none whose description can be read.
    """
    with _reading(folder) as manager:
        for iteration in sorted(manager.all_steps(), reverse=True):
            with contextlib.suppress(Exception):  # as in `_newest_whole`
                records = _meta(manager, iteration)["arrays"]
                return {name: tuple(record["shape"]) for name, record in records.items()}
    raise CheckpointError(f"no checkpoint in {manager.directory} is whole")


@contextlib.contextmanager
def _reading(folder: Path) -> Iterator[ocp.CheckpointManager]:
    """The checkpoints of the run in `folder`, to read only."""
    path = (folder / "checkpoints").resolve()
    if not path.is_dir():
        raise CheckpointError(f"{folder} holds no checkpoints; has the run reached its first one?")
    options = ocp.CheckpointManagerOptions(read_only=True, save_interval_steps=0, create=False)
    with _quiet(), ocp.CheckpointManager(path, options=options) as manager:
        yield manager


def _meta(manager: ocp.CheckpointManager, iteration: int) -> dict[str, Any]:
    """What one checkpoint says of itself."""
    return manager.restore(iteration, args=ocp.args.Composite(meta=ocp.args.JsonRestore()))["meta"]


class _Found(NamedTuple):
    meta: dict[str, Any] | None
    arrays: Flat
    damaged: list[int]
    notices: list[str]


def _newest_whole(manager: ocp.CheckpointManager, shardings: Flat) -> _Found:
    damaged, notices = [], []
    for iteration in sorted(manager.all_steps(), reverse=True):
        try:
            with _quiet():
                meta, arrays = _read(manager, iteration, shardings)
            return _Found(meta, arrays, damaged, notices)
        except (MemoryError, jax.errors.JaxRuntimeError):
            raise
        except Exception as error:  # Orbax raises nearly any kind for a file cut short
            reason = str(error).strip().partition("\n")[0][:80] or type(error).__name__
            notices.append(f"checkpoint {iteration} is damaged ({reason}); going back to the one before")
            damaged.append(iteration)
    return _Found(None, {}, damaged, notices)


def _read(manager: ocp.CheckpointManager, iteration: int, shardings: Flat) -> tuple[dict[str, Any], Flat]:
    """Everything in one checkpoint; raises whatever comes up if it is not whole."""
    meta = _meta(manager, iteration)
    first = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    targets = {
        path: jax.ShapeDtypeStruct(record["shape"], record["dtype"], sharding=shardings.get(path, first))
        for path, record in meta["arrays"].items()
    }
    arrays = manager.restore(iteration, args=ocp.args.Composite(state=ocp.args.StandardRestore(targets)))[
        "state"
    ]
    for path, array in arrays.items():
        if _record(array) != meta["arrays"][path]:
            raise ValueError(f"{path} is not what was saved")
    return meta, arrays


def _restored(found: _Found, target: Any, unread: set[str]) -> Restored:
    """Puts the arrays into the target's tree, and refuses where they do not fit."""
    assert found.meta is not None
    problems = misfits(found.arrays, target) + [f"{path} is not known" for path in sorted(unread)]
    if problems:
        raise CheckpointError(
            f"checkpoint {found.meta['iteration']} is whole but was made by another version of mjxdex: "
            f"{'; '.join(problems[:3])}{' ...' if len(problems) > 3 else ''}"
        )
    return Restored(found.meta["iteration"], filled(found.arrays, target), found.notices)


def misfits(arrays: Flat, target: Any) -> list[str]:
    """A line for each array of the target's tree that is missing, or of another shape or type."""
    wanted = flatten(target)
    problems = [f"{path} is missing" for path in wanted if path not in arrays]
    for path in (path for path in wanted if path in arrays):
        there, here = (f"{array.dtype}{list(array.shape)}" for array in (arrays[path], wanted[path]))
        if there != here:
            problems.append(f"{path} is {there}, not {here}")
    return problems


def filled(arrays: Flat, target: Any) -> Any:
    """The target's tree with the arrays of its paths."""
    leaves, structure = jax.tree.flatten(target)
    chosen = [arrays[path] for path in flatten(target)]
    chosen = [
        jax.random.wrap_key_data(array) if _is_key(leaf) else array
        for array, leaf in zip(chosen, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, chosen)


def flatten(tree: Any) -> Flat:
    """Arrays (or their ShapeDtypeStruct) by path; PRNG keys as the numbers behind them."""
    flat = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        if _is_key(leaf):
            abstract = isinstance(leaf, jax.ShapeDtypeStruct)
            leaf = jax.eval_shape(jax.random.key_data, leaf) if abstract else jax.random.key_data(leaf)
        flat[jax.tree_util.keystr(path, simple=True, separator=".")] = leaf
    return flat


def _shardings(target: Any) -> Flat:
    """Where each array of the target lives, by path, as far as it says so."""
    leaves = jax.tree.leaves(target)
    placed = zip(flatten(target), leaves, strict=True)
    return {path: leaf.sharding for path, leaf in placed if getattr(leaf, "sharding", None) is not None}


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _record(array: jax.Array) -> dict[str, Any]:
    values = np.ascontiguousarray(array)
    crc = zlib.crc32(values.view(np.uint8).data if values.size else b"")
    return {"shape": list(array.shape), "dtype": str(array.dtype), "crc32": crc}


def _success(metrics: dict[str, float]) -> float:
    return metrics["success"]


def _free_name(path: Path) -> Path:
    """`path`, or the first of path-2, path-3, ... that is not taken."""
    names = itertools.chain([path], (path.with_name(f"{path.name}-{n}") for n in itertools.count(2)))
    return next(name for name in names if not name.exists())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps page-long traces of reads that are allowed to fail, and notes on reading only, off the screen."""
    loggers = [logging.getLogger(name) for name in ("asyncio", "absl")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
