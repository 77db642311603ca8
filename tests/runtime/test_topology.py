"""The notation of device splits, on four virtual devices."""

import jax
import pytest

from mjxdex.config import Config, ConfigError, EnvConfig, RuntimeConfig
from mjxdex.runtime import topology


def config(spec: str, num_envs: int = 24) -> Config:
    return Config(env=EnvConfig(num_envs=num_envs), runtime=RuntimeConfig(topology=spec))


@pytest.mark.parametrize(
    ("spec", "sims", "learners", "shared"),
    [
        ("s0,1,2-l3", (0, 1, 2), (3,), False),
        ("s0-l1", (0,), (1,), False),
        ("s0-l0", (0,), (0,), True),
        ("s2,0-l0", (2, 0), (0,), True),
        ("s0-l1,2,3", (0,), (1, 2, 3), False),
        ("s0,1-l3,1", (0, 1), (3, 1), True),
        ("s0,1-l1,0", (0, 1), (1, 0), True),
        ("dp0,2", (0, 2), (0, 2), True),
        ("auto", (0, 1, 2), (3,), False),
    ],
)
def test_roles(spec: str, sims: tuple[int, ...], learners: tuple[int, ...], shared: bool) -> None:
    devices = jax.devices()
    split = topology.choose(config(spec), devices)
    assert split.sims == tuple(devices[i] for i in sims)
    assert split.learners == tuple(devices[i] for i in learners)
    assert split.shared == shared
    assert spec in ("auto", split.spec)


def test_auto_on_one_device_and_two() -> None:
    assert topology.choose(config("auto"), jax.devices()[:1]).spec == "s0-l0"
    assert topology.choose(config("auto"), jax.devices()[:2]).spec == "s0-l1"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("s0,1", r"is 's0,1'; it must look like s0,1,2-l3"),
        ("l0-s1", "must look like"),
        ("s0,-l1", "must look like"),
        ("s0-l7", "names device 7; there are 4 devices, 0 to 3"),
        ("s0,0-l1", "names a simulator device twice"),
        ("s0-l1,1", "names a learner device twice"),
        ("dp0,0", "names a simulator device twice"),
        ("dp0,1-l2", "dp stands alone"),
        ("dp", "must look like"),
        ("dp0,1,", "must look like"),
        ("dp0,4", "names device 4"),
    ],
)
def test_errors(spec: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        topology.choose(config(spec), jax.devices())
    assert "\n" not in str(error.value)


def test_every_device_in_both_roles_is_data_parallel() -> None:
    devices = jax.devices()
    assert topology.choose(config("s0,1-l0,1"), devices) == topology.choose(config("dp0,1"), devices)
    assert topology.choose(config("dp0"), devices).spec == "s0-l0"


def test_one_device() -> None:
    with pytest.raises(ConfigError, match="names device 1; there is one device, 0"):
        topology.choose(config("s0-l1"), jax.devices()[:1])


def test_envs_have_to_split_evenly() -> None:
    with pytest.raises(ConfigError, match="4096 cannot be split evenly over 3 .* use 4092 or 4104") as error:
        topology.choose(config("auto", 4096), jax.devices())
    assert "\n" not in str(error.value)
    assert topology.choose(config("auto", 4092), jax.devices()).spec == "s0,1,2-l3"


def test_learners_need_whole_minibatches() -> None:
    told = "4100 cannot be split evenly over 2 learners with 4 ppo.minibatches each; use 4096 or 4104"
    with pytest.raises(ConfigError, match=told):
        topology.choose(config("s0-l1,2", 4100), jax.devices())
    with pytest.raises(ConfigError, match="8 cannot be split evenly over 3 simulator devices; use 24,"):
        topology.choose(config("s0,1,2-l0,3", 8), jax.devices())
    assert topology.choose(config("dp0,1", 4096), jax.devices()).spec == "dp0,1"
