"""The benchmark measures what it says, and what does not work is a row that says why."""

import json
from dataclasses import replace

import pytest

from mjxdex.config import ConfigError, UserError
from mjxdex.evaluation import processes, throughput_plan, throughput_table
from mjxdex.evaluation.throughput import Case, Result, Use
from mjxdex.evaluation.throughput_plan import Predicted
from mjxdex.evaluation.throughput_table import Row
from mjxdex.runtime import coefficients
from mjxdex.runtime.coefficients import Line

CASE = Case("training", "smoke", "s0-l1", "learner", None, 0, 3)
USES = [
    Use(0, "simulator", idle=0.25, xla_peak=100.0, xla_limit=6e4, outside=1500.0),
    Use(1, "learner", idle=0.5, xla_peak=None, xla_limit=None, outside=None),
]
RESULT = Result(
    "H100", 32, 80, 60, 10.0, 51200.0, 204800.0, {"physics": 4.5, "render": 3.0, "update": 5.0}, USES
)


def compare(**changes):
    given = {
        "configs": ["smoke"], "layouts": ["s0-l0"], "rollouts": ["learner"], "baselines": [],
        "envs": [4], "memory": None, "level": 0, "iterations": 1, "seconds": 300, "report": lambda line: None,
    }  # fmt: skip
    return throughput_table.compare(**given | changes)


@pytest.mark.slow
def test_training_and_baselines():
    rows = compare(layouts=["s0-l1"], rollouts=["learner", "overlap"], baselines=["bare"], level=3)
    (_, trained, none), (case, overlapping, _), (_, bare, _) = rows
    assert none is None, "what smoke needs was never measured"
    assert case.load_config().runtime.overlap and overlapping.error is None
    assert trained.error is None and bare.error is None
    assert trained.phases is not None and trained.iteration_ms is not None
    assert set(trained.phases) == {"physics", "render", "inference", "transfer", "update"}
    # 4 envs, 16 steps, 2 epochs.
    assert trained.env_steps_per_s == pytest.approx(64e3 / trained.iteration_ms)
    assert trained.samples_per_s == pytest.approx(128e3 / trained.phases["update"])
    assert trained.uses is not None
    assert [(use.device, use.roles) for use in trained.uses] == [(0, "simulator"), (1, "learner")]
    assert all(0 <= use.idle < 1 for use in trained.uses)
    assert bare.phases is not None and 0 < bare.phases["bare control step"] < bare.phases["full control step"]
    json.dumps(throughput_table.as_json(rows))


def test_what_cannot_be_measured_says_why():
    ((_, missing, _),) = compare(layouts=["s0-l9"])
    assert missing.error is not None and "names device 9" in missing.error
    saved = []
    rows = compare(layouts=["s0-l0", "s0-l1"], seconds=0.1, save=lambda rows: saved.append(len(rows)))
    assert [row.result.error for row in rows] == ["not done after 0 s"] * 2 and saved == [1, 2]
    with pytest.raises(UserError, match="--memory 48 caps the memory of GPUs, and there is none"):
        compare(configs=["depth160_paper"], envs=[4096], memory=48)
    with pytest.raises(UserError, match="2 numbers for 1 configs"):
        compare(envs=[4, 8])
    with pytest.raises(ConfigError, match="unknown config 'nothing'"):
        compare(configs=["smoke", "nothing"])


def test_tables():
    failed = replace(CASE, kind="torch cudnn"), Result(error="no | memory")
    peer = replace(CASE, kind="torch steps"), Result(samples_per_s=1e5, torch_peak=2e4)
    shipped = replace(CASE, rollout="simulator"), RESULT
    foreseen = Predicted(20.0, 25600.0, {0: 90.0, 1: 70.0}, {0: 1400.0, 1: 5.0}, "made up")
    rows = [Row(CASE, RESULT, foreseen), Row(*shipped), Row(*failed), Row(*peer)]
    lines = throughput_table.markdown(rows).splitlines()
    assert "| smoke | s0-l1, rollout on s | 10 |  | 4.5 | 3 |  |  | 5 |" in lines
    assert "| smoke | 80×60 | 32 | s0-l1 | 51,200 | 25,600 | 205,000 | 5 |  |" in lines
    assert "| smoke |  |  | PyTorch update, LSTM of cuDNN |  |  |  |  | no / memory |" in lines
    assert "| smoke | s0-l1 | 10 | 20 | 4.5 | 3 |  |  | 5 |" in lines
    assert "| smoke | s0-l1 | 0 | simulator | 25% | 100 | 90 | 60,000 | 1,500 | 1,400 |" in lines
    unmeasured = "| smoke | s0-l1 | 1 | learner | 50% | not measured | 70 | not measured | not measured | 5 |"
    assert unmeasured in lines and "not measured: a CPU keeps no account" in "\n".join(lines)
    assert "- smoke: made up" in lines
    assert any("peak 20,000 MiB" in line for line in lines)
    assert throughput_table.as_json(rows)[0]["predicted"]["source"] == "made up"


@pytest.mark.parametrize(
    ("envs", "specs", "fitting"),
    [
        (4096, ["s0,1,2-l3", "s0-l1,2,3", "s0,1-l2,3", "dp0,1,2,3"], "4080 or 4128"),
        (4, ["s0,1,2-l3", "auto"], "12"),
        (48, ["s0,1,2-l3", "s0-l1,2,3", "s0,1-l2,3", "dp0,1,2,3"], None),
    ],
)
def test_a_number_of_envs_fits_all_layouts_or_is_refused(envs, specs, fitting):
    config = replace(CASE, config="depth160_paper", envs=envs).load_config()
    if fitting is None:
        throughput_plan.check_split(config, specs)
        return
    with pytest.raises(ConfigError, match=rf"over s0,1,2-l3 .*use --envs {fitting}, which"):
        throughput_plan.check_split(config, specs)


def test_the_most_envs_are_the_planners(monkeypatch):
    case = replace(CASE, config="depth160_paper", layout="s0,1,2-l3", envs=4128)
    envs, for_jax = throughput_plan.most_envs(case, "cpu", 48)
    most = throughput_plan.predict(replace(case, envs=envs), Result(), "cpu")
    more = throughput_plan.predict(replace(case, envs=envs + 12), Result(), "cpu")
    assert most and more and "speed on cpu will differ" in most.source

    def fits(predicted):
        gigabytes = [
            max(filter(None, part.values())) * 2**20 / 1e9 for part in (predicted.jax, predicted.outside)
        ]
        assert sum(gigabytes) > 40
        return gigabytes[0] <= for_jax and sum(gigabytes) <= 48 * 0.96

    assert fits(most) and not fits(more)
    (entry,) = [one for one in coefficients.shipped() if one.config == "depth160_paper"]
    blind = replace(entry, sim_bytes=Line(0.0, 0.0), sim_outside_bytes=Line(0.0, 0.0))
    unknown = throughput_plan.predict(case, Result(), "cpu", [blind])
    assert unknown and [index for index, size in unknown.jax.items() if size is None] == [0, 1, 2]
    assert unknown.outside[0] is None and unknown.outside[3]
    monkeypatch.setattr(throughput_plan.gpu_memory, "total_bytes", lambda: 80 * 10**9)
    assert throughput_plan.jax_fraction(for_jax, 48) == pytest.approx(for_jax / 80, abs=1e-3)
    with pytest.raises(UserError, match=r"--memory is 90, but the GPUs here have 80\.0 GB"):
        throughput_plan.jax_fraction(80, 90)
    with pytest.raises(UserError, match="smoke needs was never measured"):
        throughput_plan.most_envs(CASE, "cpu", 48)


def test_a_crash_is_told_by_the_line_that_says_why(tmp_path, monkeypatch):
    (tmp_path / "crash.py").write_text(
        "import os, sys\nprint('F1 it waits', '*** Check failure stack trace: ***', '    @ 0x7f1 (unknown)',"
        " sep='\\n', file=sys.stderr)\nprint('result: ' + repr(int(os.environ['NPROC'])))\nsys.exit(3)"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=40")
    monkeypatch.delenv("NPROC", raising=False)
    assert processes.run("crash", [], 30) == ([80], "ended with 3: F1 it waits")
    assert processes.run("crash", [], 30, {"NPROC": "7"})[0] == [7]
