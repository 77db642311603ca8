"""scripts/benchmark.py on four virtual CPU devices: the command for a machine with four GPUs, in small."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import warp as wp

from mjxdex import config_files
from mjxdex.runtime import coefficients, probe
from mjxdex.runtime.coefficients import Coefficients, Line

ROOT = Path(__file__).parents[2]
TINY = """\
camera: {width: 80, height: 60}
network: {embedding: 8, lstm_units: 16, lstm_layers: 1, mlp: [16], critic_mlp: [16], critic_lstm_units: 16,
  compute_dtype: float32}
ppo: {epochs: 1, horizon: 4}
"""
ROLES = {
    "s0,1,2-l3": ["simulator"] * 3 + ["learner"],
    "s0-l1,2,3": ["simulator"] + ["learner"] * 3,
    "s0,1-l2,3": ["simulator"] * 2 + ["learner"] * 2,
    "dp0,1,2,3": ["simulator+learner"] * 4,
}
ENVS = 48
MIB = 2**20
PHASES = {"simulator": ("physics", "render"), "learner": ("inference", "update")}


def invented(config) -> Coefficients:
    """Coefficients whose predictions a head can compute: nothing but these costs anything."""
    nothing = Line(0.0, 0.0)
    return Coefficients(
        config=config.name, settings=coefficients.settings_digest(config), device="cpu", origin="invented",
        sim_bytes=Line(0.0, MIB), sim_outside_bytes=nothing, acting_bytes=nothing,
        learning_bytes=Line(0.0, 2 * MIB), learner_outside_bytes=nothing,
        step_seconds=Line(0.0, 1e-3), act_seconds=nothing, update_seconds=Line(0.0, 2e-3),
        link_bytes_per_s=1e30, **probe.exact(config),
    )  # fmt: skip


@pytest.mark.slow
def test_all_layouts_are_measured_beside_their_predictions(tmp_path: Path, monkeypatch) -> None:
    wp.init()
    monkeypatch.setenv("WARP_CACHE_PATH", wp.config.kernel_cache_dir)  # its kernels take minutes to compile
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file, table, page = (tmp_path / name for name in ("tiny.yaml", "table.json", "table.md"))
    file.write_text(TINY)
    config = config_files.load(str(file), {"env.num_envs": ENVS})
    coefficients.store(config, invented(config))

    command = [
        sys.executable, str(ROOT / "scripts/benchmark.py"), "--config", str(file), "--layouts", *ROLES,
        "--envs", str(ENVS), "--iterations", "3", "--baselines",
        "--json", str(table), "--markdown", str(page),
    ]  # fmt: skip
    devices = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        command, env=os.environ | devices | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(table.read_text())
    assert [row["layout"] for row in rows] == list(ROLES)

    predicted = {}
    for row in rows:
        assert row["error"] is None, (row["layout"], row["error"])
        assert row["envs"] == ENVS and row["env_steps_per_s"] == pytest.approx(
            ENVS * 4 / row["iteration_ms"] * 1e3
        )
        assert [use["roles"] for use in row["uses"]] == ROLES[row["layout"]]
        for use in row["uses"]:
            busy = sum(row["phases"][name] for role in use["roles"].split("+") for name in PHASES[role])
            assert busy > 0 and use["idle"] == pytest.approx(max(0, 1 - busy / row["iteration_ms"]))
            assert use["xla_peak"] is use["xla_limit"] is use["outside"] is None, "CPUs keep no account"
        predicted[row["layout"]] = row["predicted"]

    # 4 steps of 1 ms per env of a simulator, then 2 ms per env of a learner, and the memory of each role.
    in_mib = {layout: [round(mib) for mib in one["jax"].values()] for layout, one in predicted.items()}
    assert in_mib == {
        "s0,1,2-l3": [16, 16, 16, 96], "s0-l1,2,3": [48, 32, 32, 32], "s0,1-l2,3": [24, 24, 48, 48],
        "dp0,1,2,3": [36, 36, 36, 36],
    }  # fmt: skip
    milliseconds = {layout: round(one["iteration_ms"]) for layout, one in predicted.items()}
    assert milliseconds == {"s0,1,2-l3": 160, "s0-l1,2,3": 224, "s0,1-l2,3": 144, "dp0,1,2,3": 72}
    text = page.read_text()
    assert "PREDICTED" in text and text.count("| not measured | 16 | not measured | not measured |  |") == 3
    assert "a CPU keeps no account of the memory" in text and str(tmp_path / "cache") in text
