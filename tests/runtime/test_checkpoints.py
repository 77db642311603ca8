"""Checkpoints: exact, partial and damaged."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mjxdex.config import Config, EnvConfig, RuntimeConfig
from mjxdex.runtime import checkpoints, run_folder
from mjxdex.runtime.checkpoints import CheckpointError, Checkpoints

CONFIG = Config(runtime=RuntimeConfig(keep_last=2, keep_best=1))


class Observation(NamedTuple):
    policy: jax.Array
    depth: jax.Array | None


def state(value: float = 0.0) -> dict[str, Any]:
    return {
        "params": {
            "kernel": jnp.arange(50_000.0).reshape(100, 500) + value,
            "bias": jnp.full(3, float(value)),
        },
        "obs": Observation(jnp.ones((4, 2), jnp.bfloat16), None),
        "keys": jax.random.split(jax.random.key(7), 4),
        "count": jnp.int32(value),
        "nothing": {},
    }


def save(folder: Path, successes: dict[int, float]) -> None:
    with Checkpoints(folder, CONFIG) as store:
        for iteration, success in successes.items():
            store.save(iteration, state(iteration), success)


def same(one: Any, other: Any) -> bool:
    assert jax.tree.structure(one) == jax.tree.structure(other)
    return all(np.array_equal(a, b) for a, b in zip(numbers(one), numbers(other), strict=True))


def numbers(tree: Any) -> list[np.ndarray]:
    key = jax.dtypes.prng_key
    leaves = jax.tree.leaves(tree)
    return [np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, key) else x) for x in leaves]


def largest_file(folder: Path) -> Path:
    return max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def test_everything_comes_back(tmp_path: Path) -> None:
    save(tmp_path, {1: 0.1, 2: 0.2})
    with Checkpoints(tmp_path, CONFIG) as store:
        found = store.restore(jax.eval_shape(state))
    assert found.iteration == 2 and found.notices == []
    assert same(found.state, state(2))
    assert found.state["obs"].depth is None
    assert found.state["keys"].dtype == state()["keys"].dtype


@pytest.mark.parametrize("on_host", [False, True])
def test_saved_arrays_may_be_donated_at_once(tmp_path: Path, on_host: bool) -> None:
    overwrite = jax.jit(lambda tree: jax.tree.map(lambda x: x * 0 - 1, tree), donate_argnums=0)
    tree = {"x": jnp.arange(4_000_000.0)}
    with Checkpoints(tmp_path, CONFIG) as store:
        store.save(1, {"x": np.asarray(tree["x"])} if on_host else tree, 0.0)
        tree = overwrite(tree)
        store.wait()
        found = store.restore({"x": jax.ShapeDtypeStruct((4_000_000,), jnp.float32)})
    assert found.state["x"][-1] == 3_999_999


def test_arrays_come_back_on_the_targets_devices(tmp_path: Path) -> None:
    mesh = jax.make_mesh((2,), ("sim",))
    split = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("sim"))
    single = jax.sharding.SingleDeviceSharding(jax.devices()[3])
    keys = jax.device_put(jax.random.split(jax.random.key(0), 4), split)
    with Checkpoints(tmp_path, CONFIG) as store:
        store.save(1, {"x": jax.device_put(jnp.arange(4), split), "keys": keys}, 0.0)
        store.wait()
        spread = {"x": jnp.zeros(4, jnp.int32), "keys": keys}
        target = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=single), spread)
        found = store.restore(target).state
        assert found["x"].devices() == {jax.devices()[3]} and found["x"].tolist() == [0, 1, 2, 3]
        assert found["keys"].devices() == {jax.devices()[3]}
        again = store.restore({"x": jax.device_put(spread["x"], split), "keys": keys}).state
        assert again["x"].sharding == split and again["keys"].sharding.device_set == split.device_set


def test_newest_and_best_are_kept(tmp_path: Path) -> None:
    save(tmp_path, {1: 0.1, 2: 0.9, 3: float("nan"), 4: 0.3, 5: 0.2})
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["2", "4", "5"]
    save(tmp_path, {6: 0.3, 7: 0.1})
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["2", "6", "7"]


def cut(checkpoint: Path) -> None:
    path = largest_file(checkpoint / "state")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(checkpoint: Path) -> None:
    for path in (checkpoint / "state").rglob("d/*"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 255
        path.write_bytes(bytes(data))


DAMAGES = {
    "cut": cut,
    "flipped": flip,
    "data lost": lambda c: largest_file(c / "state").unlink(),
    "index lost": lambda c: (c / "state" / "manifest.ocdbt").unlink(),
    "state lost": lambda c: shutil.rmtree(c / "state"),
    "meta lost": lambda c: shutil.rmtree(c / "meta"),
    "all lost": lambda c: [shutil.rmtree(path) if path.is_dir() else path.unlink() for path in c.iterdir()],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_set_aside(tmp_path: Path, damage: Any) -> None:
    save(tmp_path, {1: 0.1, 2: 0.2})
    damage(tmp_path / "checkpoints" / "2")

    found = checkpoints.load(tmp_path, jax.eval_shape(state))
    assert found.iteration == 1 and (tmp_path / "checkpoints" / "2").exists()

    with Checkpoints(tmp_path, CONFIG) as store:
        found = store.restore(jax.eval_shape(state))
        assert found.iteration == 1 and same(found.state, state(1))
        damaged, kept = found.notices
        assert "checkpoint 2 is damaged" in damaged and "\n" not in damaged and "kept as corrupt-2" in kept
        store.save(2, state(2), 0.2)
    assert (tmp_path / "checkpoints" / "corrupt-2").is_dir()
    assert checkpoints.load(tmp_path, jax.eval_shape(state)).iteration == 2


def test_nothing_to_restore(tmp_path: Path) -> None:
    save(tmp_path, {1: 0.1})
    cut(tmp_path / "checkpoints" / "1")
    with (
        Checkpoints(tmp_path, CONFIG) as store,
        pytest.raises(CheckpointError, match="is whole; nothing was changed"),
    ):
        store.restore(jax.eval_shape(state))
    with pytest.raises(CheckpointError, match="holds no checkpoints"):
        checkpoints.load(tmp_path / "nowhere", jax.eval_shape(state))


def test_a_part_can_be_read(tmp_path: Path) -> None:
    save(tmp_path, {3: 0.1})
    part = {"params": {"bias": jax.ShapeDtypeStruct((3,), jnp.float32)}}
    assert checkpoints.load(tmp_path, part).state["params"]["bias"].tolist() == [3, 3, 3]


def test_another_program_is_refused_and_nothing_is_moved(tmp_path: Path) -> None:
    save(tmp_path, {1: 0.1})
    wider = jax.eval_shape(state) | {"count": jax.ShapeDtypeStruct((2,), jnp.int32)}
    fewer = {"count": jax.ShapeDtypeStruct((), jnp.int32)}
    with Checkpoints(tmp_path, CONFIG) as store:
        with pytest.raises(CheckpointError, match=r"count is int32\[\], not int32\[2\]"):
            store.restore(wider)
        with pytest.raises(CheckpointError, match="params.bias is not known"):
            store.restore(fewer)
        assert same(store.restore(jax.eval_shape(state)).state, state(1))


def test_another_config_is_refused(tmp_path: Path) -> None:
    save(tmp_path, {1: 0.1})
    other = Config(env=EnvConfig(num_envs=64), runtime=RuntimeConfig(iterations=5))
    with Checkpoints(tmp_path, other) as store:
        with pytest.raises(run_folder.RunError, match="env.num_envs: 4096 -> 64") as error:
            store.restore(jax.eval_shape(state))
        assert "runtime.iterations" not in str(error.value)
