"""The benchmark measures what it says, and what does not work is a row that says why."""

import json
from dataclasses import replace

import pytest

from mjxdex.config import ConfigError
from mjxdex.evaluation import throughput_table
from mjxdex.evaluation.throughput import Case, Result, Use

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
        "envs": 4, "level": 0, "iterations": 1, "seconds": 300, "report": lambda line: None,
    }  # fmt: skip
    return throughput_table.compare(**given | changes)


@pytest.mark.slow
def test_training_and_baselines():
    rows = compare(layouts=["s0-l1"], rollouts=["learner", "overlap"], baselines=["bare"], level=3)
    (_, trained), (case, overlapping), (_, bare) = rows
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
    ((_, missing),) = compare(layouts=["s0-l9"])
    assert missing.error is not None and "names device 9" in missing.error
    ((_, late),) = compare(seconds=0.1)
    assert late.error == "not done after 0 s"
    with pytest.raises(ConfigError, match="unknown config 'nothing'"):
        compare(configs=["smoke", "nothing"])


def test_tables():
    failed = replace(CASE, kind="torch cudnn"), Result(error="no | memory")
    peer = replace(CASE, kind="torch steps"), Result(samples_per_s=1e5, torch_peak=2e4)
    shipped = replace(CASE, rollout="simulator"), RESULT
    lines = throughput_table.markdown([(CASE, RESULT), shipped, failed, peer]).splitlines()
    assert "| smoke | s0-l1, rollout on s | 10 | 4.5 | 3 |  |  | 5 |" in lines
    assert "| smoke | 80×60 | 32 | s0-l1 | 51,200 | 205,000 | 5 |  |" in lines
    assert "| smoke |  |  | PyTorch update, LSTM of cuDNN |  |  |  | no / memory |" in lines
    assert "| smoke | s0-l1 | 10 | 4.5 | 3 |  |  | 5 |" in lines
    assert "| smoke | s0-l1 | 0 | simulator | 25% | 100 | 60,000 | 1,500 |" in lines
    assert "| smoke | s0-l1 | 1 | learner | 50% | n/a | n/a | n/a |" in lines
    assert any("peak 20,000 MiB" in line for line in lines)
