"""Several learners, and data-parallel training, learn what one learner does.

The one learner shuffles its envs within as many blocks, so that minibatches hold the same envs. What differs
then is only the order in which float32 sums are taken.
"""

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.learning.rollout import Rollout
from mjxdex.runtime.checkpoints import Checkpoints
from mjxdex.runtime.phases import Phases
from mjxdex.runtime.trainer import Trainer, TrainState
from tests.runtime.toy_trainer import build, config


class Run(NamedTuple):
    """Two iterations: parameters at first, then of each iteration the rollout, the state and the metrics on
    the host, copies of the parameters that differ between learners, and names of what was compiled."""

    trainer: Trainer
    start: Any
    rollouts: list[Rollout]
    states: list[TrainState]
    metrics: list[dict[str, float]]
    apart: list[list[str]]
    compiled: list[list[str]]


@contextlib.contextmanager
def compilations() -> Iterator[list[str]]:
    """Names of what is traced or compiled meanwhile."""
    names: list[str] = []

    def note(event: str, duration: float, **details: str | int) -> None:
        if event in ("/jax/core/compile/jaxpr_trace_duration", "/jax/core/compile/backend_compile_duration"):
            names.append(str(details.get("fun_name")))

    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        yield names
    finally:
        jax.monitoring.unregister_event_duration_listener(note)


@functools.cache
def two_iterations(spec: str, blocks: int | None = None, trajectory: str = "learner") -> Run:
    trainer = build(spec, blocks, trajectory=trajectory)
    state = trainer.init()
    run = Run(trainer, jax.device_get(parameters(state)), [], [], [], [], [])
    for _ in range(2):
        with compilations() as compiled:
            state, row = trainer.iterate(state, Phases(blocking=False))
        run.compiled.append(compiled)
        run.apart.append(differing_copies(parameters(state)))
        run.rollouts.append(jax.device_get(trainer.rollout))
        run.states.append(jax.tree.map(jnp.copy, trainer.to_host(state)))
        run.metrics.append(jax.device_get(row))
    return run


def parameters(state: TrainState) -> Any:
    return state.learner.policy, state.learner.critic


def differing_copies(tree: Any) -> list[str]:
    """Paths of the leaves that are not the same bits on all devices."""
    return [
        jax.tree_util.keystr(path)
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
        if len({np.asarray(shard.data).tobytes() for shard in leaf.addressable_shards}) > 1
    ]


def assert_close(mine: Any, other: Any, tolerance: float = 1e-5) -> None:
    def compare(path, a, b):
        if not jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
            name = jax.tree_util.keystr(path)
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=name)

    jax.tree_util.tree_map_with_path(compare, mine, other)


def assert_learned_alike(mine: TrainState, other: TrainState, start: Any) -> None:
    """Each parameter has moved by the same amount, to 1e-4 of it; all else agrees to 1e-5.

    Adam divides gradients by their own size, so that rounding shows most where gradients are small.
    """

    def compare(path, a, b, before):
        error = np.linalg.norm(np.asarray(a) - np.asarray(b)) / np.linalg.norm(np.asarray(b) - before)
        assert error < 1e-4, (jax.tree_util.keystr(path), error)

    jax.tree_util.tree_map_with_path(compare, parameters(mine), parameters(other), start)
    assert_close(mine, other)


@pytest.mark.parametrize(
    ("spec", "trajectory"),
    [("s0-l1,2", "learner"), ("s0,1-l2,3", "learner"), ("dp0,1,2,3", "learner"),
     ("s0,1-l1,2,3", "simulator"), pytest.param("s0,1,2-l3", "simulator", marks=pytest.mark.slow),
     pytest.param("s0,1,2-l3,0", "learner", marks=pytest.mark.slow)],
)  # fmt: skip
def test_the_same_as_one_learner(spec: str, trajectory: str) -> None:
    run = two_iterations(spec, trajectory=trajectory)
    want = two_iterations("s0-l0", len(run.trainer.topology.learners))
    first = want.rollouts[0]
    assert first.terminated.any() and first.truncated.any() and np.ptp(np.asarray(first.depth)) > 0
    assert len({int(state.adr.level) for state in want.states}) == 2

    assert_close(run.rollouts[0], first)
    np.testing.assert_array_equal(run.rollouts[0].depth, np.asarray(first.depth))
    for mine, other in zip(run.states, want.states, strict=True):
        assert_learned_alike(mine, other, want.start)
    for mine, other in zip(run.metrics, want.metrics, strict=True):
        assert mine.keys() == other.keys()
        for name in mine:
            np.testing.assert_allclose(mine[name], other[name], rtol=1e-4, atol=1e-6, err_msg=name)
        assert mine["policy_grad_norm"] > 0.05 and mine["critic_grad_norm"] > 0.05, "clipping must act"
    assert run.apart == [[], []]
    assert run.compiled[0] and run.compiled[1] == []


def test_one_learners_checkpoint_goes_on_data_parallel(tmp_path: Path) -> None:
    one = two_iterations("s0-l0", 2)
    settings = config("s0-l0")
    with Checkpoints(tmp_path, settings) as checkpoints:
        checkpoints.save(1, one.states[0], success=0.0)
    moved = build("dp0,1")
    with Checkpoints(tmp_path, config("dp0,1")) as checkpoints:
        state = moved.place(checkpoints.restore(moved.saved_shapes()).state)
    assert state.acting.reset.sharding.device_set == set(jax.devices()[:2])
    state, _ = moved.iterate(state, Phases(blocking=False))
    assert int(state.iteration) == 2
    assert_learned_alike(moved.to_host(state), one.states[1], one.start)
