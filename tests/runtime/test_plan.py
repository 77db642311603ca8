"""The plan: exact where shapes tell, measured where not, warning where it should, and settling `auto`."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import jax
import pytest
import yaml
from rich.console import Console

from mjxdex import config_files
from mjxdex.config import AUTO, Config, ConfigError
from mjxdex.runtime import coefficients, plan, plan_report, probe
from mjxdex.runtime.coefficients import Coefficients, Line
from mjxdex.runtime.topology import Topology, choose

GB = 1e9


@dataclass(frozen=True)
class Gpu:
    gib: float
    id: int = 0
    platform: str = "gpu"
    device_kind: str = "GPU"

    @property
    def local_hardware_id(self) -> int:
        return self.id

    def memory_stats(self) -> dict[str, int]:
        return {"bytes_limit": int(self.gib * 2**30 * 0.75)}


@pytest.fixture(autouse=True)
def _no_measurements(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("XLA_PYTHON_CLIENT_MEM_FRACTION", raising=False)


def fake(config: Config, device: str = "GPU") -> Coefficients:
    return Coefficients(
        config=config.name,
        settings=coefficients.settings_digest(config),
        device=device,
        origin="made up",
        sim_bytes=Line(0.1 * GB, 0.5e6),
        sim_outside_bytes=Line(1 * GB, 0.4e6),
        acting_bytes=Line(0.3 * GB, 1.3e6),
        learning_bytes=Line(0.6 * GB, 4.5e6),
        learner_outside_bytes=Line(1 * GB, 0),
        step_seconds=Line(0.002, 2e-6),
        act_seconds=Line(0.0, 1e-6),
        update_seconds=Line(0.0, 1.4e-4),
        link_bytes_per_s=20e9,
        **probe.exact(config),
    )


def devices(count: int, gib: float = 80) -> list[jax.Device]:
    return [cast(jax.Device, Gpu(gib, id=index)) for index in range(count)]


def text(part: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(part)
    return out.getvalue()


def test_rollout_bytes_are_those_of_its_arrays() -> None:
    config = config_files.load(
        "state",
        {
            "env.num_envs": 8,
            "observation.policy": "goal",
            "observation.critic": "goal",
            "network.lstm_units": 4,
            "network.critic_lstm_units": 4,
        },
    )
    steps, envs = config.ppo.horizon, config.env.num_envs
    per_step = (
        4 * (3 + 3 + 11) + 4 * 4 + 3
    )  # goal twice, action; log_prob, value, reward, v_final; three flags
    carries = 2 * (2 * 4 * 4) * envs
    rollout = plan.learner_memory(config, envs).rollout
    assert 0 <= rollout - steps * envs * per_step - carries <= 4 * steps * 20  # statistics: up to 20 names


def test_depth_dominates_a_depth_rollout() -> None:
    config = config_files.load("depth160")
    pixels = 16 * 64 * 160 * 120 * 2
    assert pixels < plan.learner_memory(config, 64).rollout < 1.2 * pixels
    assert 40_000 < probe.exact(config)["message_bytes"] < 45_000


def test_the_table_names_devices_and_envs() -> None:
    config = config_files.load("smoke", {"env.num_envs": 48, "physics.contacts_per_env": 48})
    shown = text(plan.table(config, choose(config, jax.devices())))
    assert shown.count("16 envs, 80x60 depth") == 3 and shown.count("learner") == 1
    assert "768 contacts" in shown and "activations not measured" in shown and "notice" not in shown


def test_the_table_shows_what_was_measured() -> None:
    config = config_files.load("depth160", {"env.num_envs": 1024})
    (device,) = devices(1)
    shown = text(plan.table(config, Topology((device,), (device,)), [fake(config)]))
    assert f"{(0.6 * GB + 1024 * 4.5e6) / 2**30:.1f} GiB in JAX" in shown
    assert f"{(1 * GB + 1024 * 0.4e6) / 2**30:.1f} GiB outside" in shown


def test_a_gpu_config_on_a_cpu_is_noticed() -> None:
    config = config_files.load("depth160", {"runtime.topology": "s0-l0"})
    (line,) = plan.warnings(config, choose(config, jax.devices()))
    assert line.startswith("notice: no GPU found, so 4096 envs run on the CPU")


@pytest.mark.parametrize(
    ("gib", "said"),
    [
        (80, []),
        (21, ["19.7 GiB in JAX, and JAX has 15.8 GiB", "lower env.num_envs"]),
        (24, ["in JAX, and JAX has 18.0 GiB", "set XLA_PYTHON_CLIENT_MEM_FRACTION=0.94"]),
    ],
)
def test_small_gpus_are_warned_about(gib: float, said: list[str]) -> None:
    config = config_files.load("depth160", {"env.num_envs": 4096})
    (device,) = devices(1, gib)
    costs = replace(fake(config), sim_outside_bytes=Line(1 * GB, 0.1e6))
    lines = plan.warnings(config, Topology((device,), (device,)), [costs])
    assert len(lines) == bool(said) and all(part in lines[0] for part in said), lines


def test_auto_takes_what_fits_and_says_so() -> None:
    config = config_files.load("depth160", {"env.num_envs": "auto", "ppo.minibatches": "8"})
    assert config.env.num_envs == AUTO
    table = [fake(config)]
    settled, why = plan.settle(config, devices(1), table)
    assert settled.env.num_envs % 8 == 0 and settled.runtime.topology == "s0-l0"
    assert 0.6 * GB + 0.1 * GB + settled.env.num_envs * 5e6 == pytest.approx(
        0.75 * 0.96 * 80 * 2**30, rel=0.01
    )
    assert why and f"{settled.env.num_envs} envs on s0-l0" in why and "made up" in why
    named = config_files.load(
        "depth160", {"env.num_envs": "auto", "ppo.minibatches": "8", "runtime.topology": "s0,1,2-l3"}
    )
    settled, _ = plan.settle(named, devices(4), table)
    assert settled.env.num_envs % 24 == 0 and settled.runtime.topology == "s0,1,2-l3"
    assert plan.settle(settled, devices(4)) == (settled, None)
    assert config_files.from_dict(config_files.to_dict(config)).env.num_envs == AUTO


def test_auto_is_refused_where_nothing_is_known() -> None:
    config = config_files.load("smoke", {"env.num_envs": "auto"})
    with pytest.raises(ConfigError, match="plan.py --config smoke --probe"):
        plan.settle(config, devices(1), [])
    with pytest.raises(ConfigError, match="does not say how much memory"):
        plan.settle(config, jax.devices(), [fake(config)])
    with pytest.raises(ConfigError, match="GB too many"):
        plan.settle(config, devices(1, gib=1), [fake(config)])


def test_madronas_memory_comes_on_top() -> None:
    settings = {"render.backend": "madrona", "adr.camera_focal": "[0, 0]"}
    config = config_files.load("depth160", settings)
    plain = fake(config_files.load("depth160", {"adr.camera_focal": "[0, 0]"}))
    found = coefficients.find(config, "GPU", [plain])
    assert found and "for Madrona its memory" in found.source
    more = found.costs.sim_outside_bytes.at(4096) - plain.sim_outside_bytes.at(4096)
    assert more == pytest.approx(7.5 * 2**30, rel=0.02)
    assert found.costs.step_seconds.at(4096) > plain.step_seconds.at(4096) + 0.02
    (device,) = devices(1, 39)
    (line,) = plan.warnings(config, Topology((device,), (device,)), [plain])
    assert "outside JAX, and JAX leaves 9.8 GiB: set XLA_PYTHON_CLIENT_MEM_FRACTION=" in line


def test_the_cache_is_keyed_by_what_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_files.load("depth160")

    def key(device: str = "GPU", source: str = "1", **settings: Any) -> Path:
        changed = {name.replace("__", "."): value for name, value in settings.items()}
        return coefficients.cache_path(config_files.load("depth160", changed), device, source)

    assert key() == key(env__num_envs=8, seed=3, ppo__learning_rate=1e-3, runtime__topology="s0-l0")
    others = [
        key("other"), key(source="2"), key(camera__width=320), key(ppo__minibatches=8),
        key(render__backend="mjwarp"), key(network__lstm_units=512), key(physics__contacts_per_env=30),
    ]  # fmt: skip
    monkeypatch.setattr(coefficients.importlib.metadata, "version", lambda name: "another")
    assert len({key(), *others}) == len(others) + 1

    assert coefficients.find(config, "GPU", []) is None
    elsewhere = coefficients.find(config, "GPU", [fake(config, "H9000")])
    assert elsewhere and "for H9000, so speed on GPU will differ" in elsewhere.source
    measured = replace(fake(config), origin="here")
    coefficients.store(config, measured)
    found = coefficients.find(config, "GPU", [fake(config)])
    assert found and found.costs == measured and found.source.startswith("measured on this machine")


def test_the_shipped_table_is_for_the_shipped_configs(tmp_path: Path) -> None:
    for name in ("depth160", "depth160_paper", "depth320"):
        config = config_files.load(name)
        found = coefficients.find(config, "some laptop")
        assert found and found.costs.config == name
        exact = probe.exact(config)
        assert {key: getattr(found.costs, key) for key in exact} == exact
    table = tmp_path / "table.yaml"
    for origin in ("old", "new"):
        coefficients.add(table, replace(fake(config), origin=origin))
    assert [entry.origin for entry in coefficients.shipped(table)] == ["new"]
    assert len(yaml.safe_load(table.read_text())) == 1


def test_the_report_has_the_papers_table() -> None:
    small, large = (config_files.load(name) for name in ("depth160_paper", "depth320"))
    heavy = replace(fake(large), learning_bytes=Line(0.6 * GB, 20e6))
    shown = "".join(map(text, plan_report.report(small, "GPU", 4, 48 * GB, table=[fake(small), heavy])))
    assert "2800 / GPU (8400 total)" in shown and "256 / GPU (1024 total)" in shown
    assert "s0,1,2-l3" in shown and "* best: runtime.topology dp0,1,2,3" in shown and "made up" in shown


def test_xla_answers_for_the_learner_on_a_line() -> None:
    config = config_files.load(
        "smoke",
        {
            "ppo.minibatches": 2,
            "ppo.horizon": 4,
            "ppo.epochs": 1,
            "network.mlp": "8",
            "network.critic_mlp": "8",
            "network.cnn_filters": "4",
            "network.cnn_kernels": "6",
            "network.lstm_layers": 1,
            "network.lstm_units": 8,
            "network.critic_lstm_units": 8,
        },
    )
    few, many, third = (probe.learner_programs(config, size).learning_bytes for size in (16, 32, 64))
    predicted = Line.through((16, few), (32, many)).at(64)
    assert predicted == pytest.approx(third, rel=0.1)
    assert few > plan.learner_memory(config, 16).rollout
