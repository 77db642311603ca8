"""After its first iteration a run compiles and traces nothing, with checkpoints and logs in between."""

import jax
import pytest

from mjxdex import config_files
from mjxdex.runtime.train import train
from mjxdex.runtime.trainer import Trainer

EVENTS = ("/jax/core/compile/jaxpr_trace_duration", "/jax/core/compile/backend_compile_duration")
TINY = {
    "env.num_envs": "6",
    "env.episode_length_s": "0.1",  # so that episodes end
    "network.lstm_units": "8",
    "network.critic_lstm_units": "8",
    "network.cnn_filters": "2,2,2,2",
    "ppo.horizon": "4",
    "ppo.minibatches": "1",
    "ppo.epochs": "1",
    "runtime.iterations": "4",
    "runtime.checkpoint_every": "1",
    "runtime.timing_every": "3",
}


@pytest.mark.parametrize("layout", [pytest.param("s0-l0", marks=pytest.mark.slow), "s0,1,2-l3"])
def test_nothing_after_the_first_iteration(tmp_path, monkeypatch, layout):
    compiled: list[str] = []
    after: list[int] = []

    def note(event: str, duration_secs: float, **details) -> None:
        if event in EVENTS:
            compiled.append(f"{event.rsplit('/')[-1]} {details.get('fun_name')}")

    def counted(trainer, state, phases, ahead, iterate=Trainer.iterate):
        result = iterate(trainer, state, phases, ahead)
        after.append(len(compiled))
        return result

    monkeypatch.setattr(Trainer, "iterate", counted)
    jax.monitoring.register_event_duration_secs_listener(note)
    try:
        train(
            config_files.load("smoke", {**TINY, "runtime.topology": layout}), tmp_path / "run", resume=False
        )
    finally:
        jax.monitoring.unregister_event_duration_listener(note)
    first, last = after[0], after[-1]
    assert len(after) == 4 and first > 0
    assert compiled[first:last] == []
