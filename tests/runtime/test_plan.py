"""The plan: exact where it says so, and warning where it should."""

import io
from dataclasses import dataclass
from typing import Any, cast

import jax
import pytest
from rich.console import Console

from mjxdex import config_files
from mjxdex.runtime import plan
from mjxdex.runtime.topology import Topology, choose


@dataclass(frozen=True)
class Gpu:
    gib: float
    id: int = 0
    platform: str = "gpu"
    device_kind: str = "GPU"

    def memory_stats(self) -> dict[str, int]:
        return {"bytes_limit": int(self.gib * 2**30 * 0.75)}


def shown(config: Any, split: Topology) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(plan.table(config, split))
    return out.getvalue()


def test_rollout_bytes_are_those_of_its_arrays() -> None:
    config = config_files.load(
        "state", {"env.num_envs": 8, "observation.policy": "goal", "observation.critic": "goal"}
    )
    config = config_files.from_dict(
        config_files.to_dict(config), {"network.lstm_units": 4, "network.critic_lstm_units": 4}
    )
    steps, envs = config.ppo.horizon, config.env.num_envs
    per_step = (
        4 * (3 + 3 + 11) + 4 * 4 + 3
    )  # goal twice, action; log_prob, value, reward, v_final; three flags
    carries = 2 * (2 * 4 * 4) * envs
    rollout = plan.learner_memory(config).rollout
    assert 0 <= rollout - steps * envs * per_step - carries <= 4 * steps * 20  # statistics: up to 20 names


def test_depth_dominates_a_depth_rollout() -> None:
    config = config_files.load("depth160", {"env.num_envs": 64})
    pixels = 16 * 64 * 160 * 120 * 2
    assert pixels < plan.learner_memory(config).rollout < 1.2 * pixels


def test_the_table_names_devices_and_envs() -> None:
    config = config_files.load("smoke", {"env.num_envs": 48, "physics.contacts_per_env": 48})
    text = shown(config, choose(config, jax.devices()))
    assert text.count("16 envs, 80x60 depth") == 3 and text.count("learner") == 1
    assert "768 contacts" in text and "notice" not in text


def test_a_gpu_config_on_a_cpu_is_noticed() -> None:
    config = config_files.load("depth160", {"runtime.topology": "s0-l0"})
    (line,) = plan.warnings(config, choose(config, jax.devices()))
    assert line.startswith("notice: no GPU found, so 4096 envs run on the CPU")


@pytest.mark.parametrize(("gib", "warnings"), [(80, []), (6, ["learner", "simulator"])])
def test_small_gpus_are_warned_about(
    monkeypatch: pytest.MonkeyPatch, gib: float, warnings: list[str]
) -> None:
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION", raising=False)
    device = cast(jax.Device, Gpu(gib))
    lines = plan.warnings(config_files.load("depth160"), Topology((device,), device))
    assert [line.split()[2] for line in lines] == warnings
