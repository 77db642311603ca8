"""Distillation on toy envs whose image shows what only the teacher is told: it learns, on any layout, and
goes on from a checkpoint with the same bits."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import AdrConfig, Config, DistillConfig, ObservationConfig, RuntimeConfig
from mjxdex.config_rgb import RgbConfig
from mjxdex.learning import normalizer
from mjxdex.learning.learner import Learner
from mjxdex.learning.student_network import StudentNetwork
from mjxdex.runtime import distiller as distiller_module
from mjxdex.runtime import topology
from mjxdex.runtime.checkpoints import Checkpoints
from mjxdex.runtime.distiller import Distiller
from mjxdex.runtime.phases import Phases
from mjxdex.runtime.teacher import Shared
from mjxdex.runtime.trained import TrainedPolicy
from mjxdex.runtime.trainer import TrainState, without_shard_axis
from mjxdex.types import Observation
from tests.runtime.toy_simulators import (
    ACTIONS,
    HEIGHT,
    SIZE,
    WIDTH,
    ToyEnv,
    ToySimulators,
    ToyState,
    toy_config,
    toy_learner,
)

ENVS, HORIZON = 12, 4


class SeeingEnv(ToyEnv):
    """The critic's observation is the first three numbers of the state: the object's position."""

    def observe(self, state: ToyState) -> Observation:
        return Observation(state.x, state.x[:, :3], None)


class SeeingSimulators(ToySimulators):
    """ToySimulators with stereo images, whose brightness and stripes show three numbers of the state."""

    def __init__(self, config: Config, devices: Any) -> None:
        super().__init__(config, devices)
        env: Any = SeeingEnv()
        self.env = env

        def pmap(function, **kwargs):
            return jax.pmap(function, axis_name="sim", devices=self.devices, **kwargs)

        def stereo(state: ToyState) -> jax.Array:
            column, row = jnp.meshgrid(jnp.linspace(-1, 1, WIDTH), jnp.linspace(-1, 1, HEIGHT))
            eyes = jnp.stack([column, row])[None, ..., None] * state.x[:, None, None, None, :3]
            return (127 + 120 * eyes).astype(jnp.uint8)

        self._observe = pmap(lambda state: (env.observe(state), env.blank_outcome(state)))
        self._step = pmap(env.step, donate_argnums=0)
        self._render_stereo = pmap(stereo)


@pytest.fixture(autouse=True)
def _toy_envs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distiller_module, "Simulators", SeeingSimulators)
    columns = np.arange(SIZE)
    monkeypatch.setattr(
        distiller_module.teachers, "shared", lambda config, teacher: Shared(config, columns[3:], columns)
    )


def config(spec: str, horizon: int = HORIZON, **distill: Any) -> Config:
    made = toy_config(ENVS, horizon=horizon, minibatches=1)
    settings = {
        "teacher": "toy",
        "token_width": 8,
        "heads": 2,
        "blocks": 1,
        "token_mlp": 8,
        "object_mlp": (8,),
    }
    return dataclasses.replace(
        made,
        observation=ObservationConfig(depth=False, stereo=True),
        rgb=RgbConfig(width=WIDTH, height=HEIGHT),
        adr=AdrConfig(min_resets=1, success_threshold=0.3),
        distill=DistillConfig(**{**settings, "learning_rate": 3e-3, **distill}),
        runtime=RuntimeConfig(topology=spec),
    )


def teacher() -> TrainedPolicy:
    """A depth policy that sees all of the state and acts strongly."""
    settings = dataclasses.replace(toy_config(ENVS), observation=ObservationConfig())
    learner: Learner = toy_learner(settings)
    state, _ = jax.jit(learner.init, static_argnums=1)(jax.random.key(7), ENVS)
    params = state.policy
    params["mean"]["kernel"] *= 500
    params["log_std"] -= 1.5
    return TrainedPolicy(settings, 3, 0, learner, params, state.normalizers.policy, [], [])


def student_teacher() -> TrainedPolicy:
    """A depth student that sees all of the state."""
    settings = dataclasses.replace(
        toy_config(ENVS),
        observation=ObservationConfig(),
        distill=DistillConfig(teacher="another", object_mlp=(8,)),
    )
    network = StudentNetwork(settings, SIZE, ACTIONS)
    params = network.init(jax.random.key(8))
    params["mean"]["kernel"] *= 500
    stats = normalizer.init((SIZE,))._replace(mean=jnp.linspace(-0.5, 0.5, SIZE))
    return TrainedPolicy(settings, 3, 0, network, params, stats, [], [])


def build(settings: Config, taught_by: TrainedPolicy | None = None) -> Distiller:
    return Distiller(settings, topology.choose(settings), taught_by or teacher())


def run(made: Distiller, state: Any, iterations: int) -> tuple[Any, list[dict[str, float]]]:
    rows = []
    for _ in range(iterations):
        state, row = made.iterate(state, Phases(blocking=False))
        rows.append({name: float(value) for name, value in jax.device_get(row).items()})
    return state, rows


def bits(tree: Any) -> list[np.ndarray]:
    return [
        np.asarray(jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf)
        for leaf in jax.tree.leaves(tree)
    ]


def assert_same_bits(mine: Any, other: Any) -> None:
    for a, b in zip(bits(mine), bits(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_student_learns_to_act_like_its_teacher_and_to_see_the_object(monkeypatch: pytest.MonkeyPatch):
    """The same student without its images finds the object half as well at best: it has to guess."""
    see, rows = SeeingSimulators.render_stereo, {}

    def dark(sims: SeeingSimulators, state: ToyState) -> jax.Array:
        return jnp.zeros_like(see(sims, state))

    for eyes in ("open", "shut"):
        if eyes == "shut":
            monkeypatch.setattr(SeeingSimulators, "render_stereo", dark)
        made = build(config("s0-l0", horizon=16))
        rows[eyes] = run(made, made.init(), 50)[1]
    first, last, blind = rows["open"][0], rows["open"][-1], rows["shut"][-1]
    assert first["action_distance"] > 0.2, "the teacher acts"
    assert last["action_error"] < 0.3 * first["action_error"]
    assert last["std_error"] < 0.1 * first["std_error"]
    assert last["object_pos_error_cm"] < 0.25 * first["object_pos_error_cm"]
    assert blind["object_pos_error_cm"] > 2 * last["object_pos_error_cm"]
    assert last["episodes"] > 0 and last["teacher_share"] == 0


def test_a_student_teaches_with_what_it_does_on_its_own(monkeypatch: pytest.MonkeyPatch):
    """From depth images and its own columns, with an LSTM state that is zeroed where episodes start."""
    columns = np.arange(SIZE)
    monkeypatch.setattr(
        distiller_module.teachers, "shared", lambda config, _: Shared(config, columns[3:], columns[::-1])
    )
    alone = student_teacher()
    network = alone.learner
    assert isinstance(network, StudentNetwork)
    made = build(config("s0-l0", bptt_steps=HORIZON), alone)
    see, sent = made._see, []
    monkeypatch.setattr(made, "_see", lambda *given: sent.append(see(*given)) or sent[-1])
    run(made, made.init(), 1)
    assert made.buffers is not None
    segment, carry = made.buffers[0], network.initial_carry(ENVS)
    for k in range(HORIZON):
        obs = without_shard_axis(sent[k])[0].obs
        assert obs.stereo is not None
        seen = obs._replace(policy=obs.policy[:, ::-1], stereo=None)
        mean, _, carry = network.predict_step(alone.params, alone.stats, seen, carry, segment.reset[k])
        np.testing.assert_allclose(segment.teacher_mean[k], mean, rtol=1e-4, atol=1e-5)
    assert segment.reset[0].all() and segment.reset[1:].any() and not segment.reset[1:].all()
    assert np.ptp(segment.teacher_mean) > 0.2, "it acts"


@functools.cache
def two_iterations(spec: str) -> tuple[TrainState, list[dict[str, float]]]:
    """State on the host and metrics of a run on a layout."""
    made = build(config(spec, bptt_steps=2, teacher_share=(0.5, 0.5)))
    state, rows = run(made, made.init(), 2)
    return jax.tree.map(jnp.copy, made.to_host(state)), rows


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["s0-l1", "s0,1-l2,3", "dp0,1,2"])
def test_layouts_do_not_change_what_is_learned(spec: str):
    """The same bits on another device; on several, the same to the order in which sums are taken."""
    (state, rows), (moved, others) = two_iterations("s0-l0"), two_iterations(spec)
    assert rows[0]["episodes"] > 0 and rows[0]["teacher_share"] == 0.5
    if spec == "s0-l1":
        assert_same_bits(moved, state)
        assert rows == others
        return
    for a, b in zip(bits(moved), bits(state), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)
    for mine, wanted in zip(others, rows, strict=True):
        for name, value in wanted.items():
            np.testing.assert_allclose(mine[name], value, rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.slow
def test_a_checkpoint_goes_on_with_the_same_bits(tmp_path: Path):
    settings = config("s0-l0")
    made = build(settings)
    state, _ = run(made, made.init(), 2)
    with Checkpoints(tmp_path, settings) as checkpoints:
        checkpoints.save(2, made.to_host(state), success=0.0)
    state, rows = run(made, state, 2)
    again = build(settings)
    with Checkpoints(tmp_path, settings) as checkpoints:
        resumed = again.place(checkpoints.restore(again.saved_shapes()).state)
    resumed, others = run(again, resumed, 2)
    assert rows == others and rows[0] != rows[1]
    assert_same_bits(again.to_host(resumed), made.to_host(state))


@pytest.mark.slow
def test_gradients_go_back_over_the_steps_of_a_segment():
    """With two steps a segment, the first observation of an episode changes what is learned at the second."""
    made = build(config("s0-l0", bptt_steps=2, dropout=0.0))
    state, _ = run(made, made.init(), 1)
    segment, tally = jax.tree.map(jnp.copy, made.buffers)
    segment = segment._replace(reset=segment.reset.at[1].set(False))

    def learned(first_carry: float) -> Any:
        student = jax.tree.map(jnp.copy, state.learner)
        changed = segment._replace(policy=segment.policy.at[0].add(first_carry))
        done, _ = jax.jit(made.learner.learn)(student, made.taught, changed, tally, 0)
        return done.policy["lstm"]["layers"][0]["kernel_rec"]

    assert np.abs(learned(0.0) - learned(1.0)).max() > 1e-6


def test_the_share_of_teacher_actions():
    """With the same noise, a share of 1 takes the teacher's Gaussian in each env, and 0 in none."""
    made = build(config("s0-l0", teacher_share=(1.0, 0.0), teacher_share_iterations=1))
    student, acting = jax.jit(made.learner.init, static_argnums=1)(jax.random.key(0), ENVS)
    mean, teacher_mean = jnp.full((ENVS, 2), -50.0), jnp.full((ENVS, 2), 50.0)

    def sample(step: int) -> np.ndarray:
        return np.asarray(made.learner._sample(student, made.taught, jnp.int32(step), mean, teacher_mean))

    assert (sample(0) > 40).all() and (sample(HORIZON) < -40).all()
    assert np.ptp(sample(0)) < np.ptp(sample(HORIZON)), "each with its own standard deviation"
