"""Bundles: round trip, sizes, errors of the actions, and runs that start from them."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import Config, DistillConfig, EnvConfig, NetworkConfig, ObservationConfig
from mjxdex.config_rgb import RgbConfig
from mjxdex.evaluation.storage_error import action_error
from mjxdex.learning.digest import digest
from mjxdex.learning.normalizer import RunningStats
from mjxdex.runtime import bundles, run_folder
from mjxdex.runtime.bundles import BundleError
from mjxdex.runtime.checkpoints import Checkpoints
from mjxdex.runtime.run_folder import RunError
from mjxdex.runtime.start import Start, continued_config, new_config
from mjxdex.runtime.trained import bundled_shapes, load_policy, make_learner, make_student
from mjxdex.runtime.trainer import TrainState
from mjxdex.task.adr import AdrState

SMALL = Config(
    name="small",
    env=EnvConfig(num_envs=8),
    observation=ObservationConfig(depth=False),
    network=NetworkConfig(
        lstm_layers=1, lstm_units=16, mlp=(8,), critic_mlp=(8,), critic_lstm_units=8, compute_dtype="float32"
    ),
)
STUDENT = dataclasses.replace(
    SMALL,
    observation=ObservationConfig(policy=("joint_pos", "goal"), depth=False, stereo=True),
    rgb=RgbConfig(width=32, height=24),
    network=dataclasses.replace(SMALL.network, cnn_filters=(4, 8), cnn_kernels=(6, 4), embedding=6),
    distill=DistillConfig(teacher="somewhere", token_width=8, heads=2, token_mlp=16, object_mlp=(8,)),
)
PAPER = Config(env=EnvConfig(num_envs=8))
ITERATION, LEVEL, RESETS = 30, 7, 123


def learned(config: Config) -> Any:
    """A learner's state in which nothing is as it was at the start."""
    learner = make_learner(config)
    state, _ = jax.jit(lambda key: learner.init(key, 8))(jax.random.key(5))
    rng = np.random.default_rng(1)

    def move(leaf: jax.Array) -> np.ndarray:
        size = 0.02 if leaf.ndim else 0.0
        return np.asarray(leaf + size * rng.standard_normal(leaf.shape, np.float32))

    opts = [opt[1]._replace(nu=jax.tree.map(lambda x: move(x) ** 2, opt[1].nu), count=jnp.int32(480))
            for opt in (state.policy_opt, state.critic_opt)]  # fmt: skip
    policy = jax.tree.map(move, state.policy)
    policy["mean"]["kernel"] = policy["mean"]["kernel"] * 30  # actions of the size of trained ones
    return state._replace(
        policy=policy,
        critic=jax.tree.map(move, state.critic),
        policy_opt=(state.policy_opt[0], opts[0]),
        critic_opt=(state.critic_opt[0], opts[1]),
        normalizers=jax.tree.map(lambda leaf: np.abs(leaf) + np.float32(0.5), state.normalizers),
    )


def run(folder: Path, config: Config, state: Any) -> Path:
    """A run folder with this state as its only checkpoint."""
    run_folder.create(config, folder)
    saved = {"learner": state, "adr": AdrState(jnp.int32(LEVEL), jnp.int32(RESETS)), "envs": jnp.zeros(3)}
    with Checkpoints(folder, config) as store:
        store.save(ITERATION, saved, 0.25)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    state = learned(SMALL)
    return run(tmp_path_factory.mktemp("small") / "run", SMALL, state), state


def write(folder: Path, path: Path, precision: bundles.Precision, config=SMALL, **parts: bool) -> Path:
    assert not bundles.write(
        folder, path, bundled_shapes(config), precision, **({"critic": False, "moments": False} | parts)
    )
    return path


def fresh(config: Config) -> TrainState:
    learner, acting = make_learner(config).init(jax.random.key(0), 8)
    level = AdrState(jnp.int32(config.adr.start_level), jnp.int32(0))
    return TrainState(jnp.int32(0), learner, acting, level, envs=None)  # pyright: ignore[reportArgumentType]


def same(one: Any, other: Any) -> bool:
    return all(
        np.array_equal(a, b) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    )


def test_an_exact_bundle_is_the_policy_of_the_run(small, tmp_path):
    folder, state = small
    path = write(folder, tmp_path / "a.bundle", "float32")
    of_run, of_file = load_policy(folder), load_policy(path)
    assert same(of_file.params, state.policy) and same(of_file.params, of_run.params)
    assert same(of_file.stats, state.normalizers.policy)
    assert (of_file.iteration, of_file.adr_level, of_file.layout) == (ITERATION, LEVEL, of_run.layout)
    assert of_file.config == of_run.config == SMALL
    bundle = bundles.read(path)
    assert not bundle.has_critic and not bundle.has_moments
    assert bundle.provenance["parameters"] == f"sha256:{digest((state.policy, state.critic))}"
    assert bundle.provenance["env_steps"] == ITERATION * 8 * 16
    assert list(tmp_path.iterdir()) == [path]


def test_the_policy_out_of_a_bundle_is_that_of_the_run(small, tmp_path):
    folder, _ = small
    whole = write(folder, tmp_path / "whole.bundle", "int8", critic=True, moments=True)
    alone = write(folder, tmp_path / "alone.bundle", "int8")
    bundles.repack(whole, tmp_path / "part.bundle", None, critic=False, moments=False)
    part, alone = bundles.read(tmp_path / "part.bundle"), bundles.read(alone)
    assert part.arrays.keys() == alone.arrays.keys() and same(part.arrays, alone.arrays)
    assert part.provenance == alone.provenance and part.config == alone.config


def test_a_bundle_of_a_bundle_is_rounded_as_one_of_the_run(small, tmp_path):
    exact, rounded, again = (tmp_path / f"{name}.bundle" for name in ("exact", "rounded", "again"))
    parts = {"critic": True, "moments": True}
    write(small[0], exact, "float32", **parts)
    write(small[0], rounded, "int8", **parts)
    bundles.repack(exact, again, "int8", **parts)
    made, wanted = bundles.read(again), bundles.read(rounded)
    assert made.precision == "int8" and made.has_moments
    assert made.arrays.keys() == wanted.arrays.keys() and same(made.arrays, wanted.arrays)
    assert again.stat().st_size == rounded.stat().st_size
    with pytest.raises(BundleError, match="is stored in int8; bfloat16 would only make it larger"):
        bundles.repack(again, exact, "bfloat16", critic=False, moments=False)
    with pytest.raises(BundleError, match="add --critic"):
        bundles.repack(again, exact, None, critic=False, moments=True)
    bundles.repack(again, rounded, None, critic=False, moments=False)
    with pytest.raises(BundleError, match="has no critic to take over"):
        bundles.repack(rounded, again, None, critic=True, moments=False)


def test_a_student_is_bundled_too(tmp_path):
    """Its policy and statistics; they have no critic, and PPO does not start from them."""
    network = make_student(STUDENT)
    params = jax.device_get(jax.jit(network.init)(jax.random.key(2)))
    params["mean"]["kernel"] = params["mean"]["kernel"] * 100
    size = network.policy_dim
    stats = RunningStats(jnp.float32(9), jnp.linspace(-1, 1, size), jnp.linspace(0.1, 2, size))
    folder = run(tmp_path / "run", STUDENT, {"policy": params, "stats": stats, "updates": jnp.int32(4)})
    exact = write(folder, tmp_path / "a.bundle", "float32", STUDENT)
    of_run, of_file = load_policy(folder), load_policy(exact)
    assert same(of_file.params, params) and same(of_file.stats, stats) and same(of_run.stats, stats)
    assert (of_file.iteration, of_file.adr_level, of_file.layout) == (ITERATION, LEVEL, of_run.layout)
    assert bundles.read(exact).provenance["parameters"] == f"sha256:{digest(params)}"

    rounded = write(folder, tmp_path / "b.bundle", "int8", STUDENT)
    error = action_error(of_run, load_policy(rounded).params)
    assert 0 < error.rms < 0.05 * error.action_rms and error.action_rms > 0.05
    assert rounded.stat().st_size < 0.6 * exact.stat().st_size
    with pytest.raises(BundleError, match=r"is a student's run.*leave out --critic"):
        write(folder, tmp_path / "c.bundle", "int8", STUDENT, critic=True)
    with pytest.raises(BundleError, match=r"b\.bundle holds a student"):
        new_config(bundles.read(rounded), "state", {})


@pytest.mark.parametrize(("precision", "most"), [("float32", 0.0), ("bfloat16", 2e-2), ("int8", 5e-2)])
def test_actions_of_rounded_policies(small, tmp_path, precision, most):
    """Errors relative to the size of the actions, on 50 recurrent steps of random inputs."""
    path = write(small[0], tmp_path / "a.bundle", precision)
    error = action_error(load_policy(small[0]), load_policy(path).params)
    assert error.action_rms > 0.05 and error.rms <= error.largest
    assert error.rms <= most * error.action_rms and (most == 0 or error.rms > 0)


def test_sizes_of_the_papers_networks(tmp_path):
    state = learned(PAPER)
    folder = run(tmp_path / "run", PAPER, state)
    sizes = {}
    for name, precision, parts in (
        ("ship", "int8", {}),
        ("travel", "bfloat16", {"critic": True}),
        ("go on", "bfloat16", {"critic": True, "moments": True}),
    ):
        sizes[name] = write(folder, tmp_path / "a.bundle", precision, PAPER, **parts).stat().st_size / 1e6
    print(sizes)
    assert sizes["ship"] <= 20
    assert sizes["travel"] <= sizes["go on"] <= 60


def test_a_new_run_takes_networks_normalizers_and_level(small, tmp_path):
    folder, state = small
    bundle = bundles.read(write(folder, tmp_path / "a.bundle", "float32", critic=True))
    config = dataclasses.replace(SMALL, adr=dataclasses.replace(SMALL.adr, start_level=bundle.adr_level))
    before = fresh(config)
    start = Start(bundle, goes_on=False)
    start.check(config, before)
    after = start.fill(config, before)
    assert same(after.learner.policy, state.policy) and same(after.learner.critic, state.critic)
    assert same(after.learner.normalizers, state.normalizers)
    assert same((after.learner.policy_opt, after.learner.critic_opt),
                (before.learner.policy_opt, before.learner.critic_opt))  # fmt: skip
    assert (int(after.iteration), int(after.adr.level), int(after.adr.resets)) == (0, LEVEL, 0)
    assert start.record()["run"] == "run" and start.record()["iteration"] == ITERATION


def test_a_run_goes_on_with_its_second_moments(small, tmp_path):
    folder, state = small
    path = write(folder, tmp_path / "a.bundle", "bfloat16", critic=True, moments=True)
    bundle = bundles.read(path)
    config = continued_config(bundle, {"runtime.iterations": "50"})
    assert config.adr.start_level == LEVEL and config.runtime.iterations == 50
    before = fresh(config)
    after = Start(bundle, goes_on=True).fill(config, before)
    assert int(after.iteration) == int(after.learner.iteration) == ITERATION
    assert int(after.acting.step) == ITERATION * config.ppo.horizon
    assert (int(after.adr.level), int(after.adr.resets)) == (LEVEL, RESETS)
    assert after.iteration is not after.learner.iteration  # the learner's is donated
    opt, exact = after.learner.policy_opt[1], state.policy_opt[1]
    assert int(opt.count) == 480 and same(opt.mu, before.learner.policy_opt[1].mu)
    for back, nu in zip(jax.tree.leaves(opt.nu), jax.tree.leaves(exact.nu), strict=True):
        np.testing.assert_allclose(back.sum(), nu.sum(), rtol=1e-4)


def test_networks_that_do_not_fit_are_named(small, tmp_path):
    bundle = bundles.read(write(small[0], tmp_path / "a.bundle", "float32"))
    network = dataclasses.replace(SMALL.network, lstm_units=32)
    other = dataclasses.replace(SMALL, network=network)
    with pytest.raises(BundleError, match=r"is float32.* settings .*: network.lstm_units: 16 -> 32$"):
        Start(bundle, goes_on=False).check(other, fresh(other))
    terms = tuple(reversed(SMALL.observation.policy))
    swapped = dataclasses.replace(SMALL, observation=dataclasses.replace(SMALL.observation, policy=terms))
    with pytest.raises(BundleError, match="observation.policy is another"):
        Start(bundle, goes_on=False).check(swapped, fresh(swapped))


def test_what_a_run_cannot_start_from(small, tmp_path):
    folder, _ = small
    with pytest.raises(BundleError, match="only with the critic"):
        write(folder, tmp_path / "a.bundle", "int8", moments=True)
    bundle = bundles.read(write(folder, tmp_path / "a.bundle", "int8"))
    with pytest.raises(BundleError, match="has no moments of the optimizer"):
        continued_config(bundle, {})
    full = bundles.read(write(folder, tmp_path / "b.bundle", "int8", critic=True, moments=True))
    with pytest.raises(RunError, match="ppo.clip: 0.2 -> 0.3"):
        continued_config(full, {"ppo.clip": "0.3"})
    with pytest.raises(BundleError, match="has 30 iterations already"):
        continued_config(full, {"runtime.iterations": "30"})


def test_the_level_of_the_file_counts_unless_another_is_given(small, tmp_path):
    bundle = bundles.read(write(small[0], tmp_path / "a.bundle", "int8"))
    assert new_config(bundle, "smoke", {}).adr.start_level == LEVEL
    assert new_config(bundle, "smoke", {"adr.start_level": "2"}).adr.start_level == 2


def test_damaged_and_missing_files(small, tmp_path):
    path = write(small[0], tmp_path / "a.bundle", "int8")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(BundleError, match="is no whole bundle"):
        bundles.read(path)
    with pytest.raises(BundleError, match="there is no file"):
        load_policy(tmp_path / "none.bundle")


def test_shipped_policies_are_listed(tmp_path):
    with pytest.raises(BundleError, match="no pretrained policy 'depth160'; none is shipped"):
        bundles.find("depth160", tmp_path)
    (tmp_path / "state.bundle").write_bytes(b"")
    assert bundles.find("state", tmp_path) == tmp_path / "state.bundle"
    with pytest.raises(BundleError, match="'depth160'; there are state"):
        bundles.find("depth160", tmp_path)
