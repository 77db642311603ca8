"""A trainer of toy envs, with settings under which all parts of an update act."""

import dataclasses
from typing import Any
from unittest import mock

from mjxdex.config import AdrConfig, Config, RuntimeConfig
from mjxdex.learning.blocks import Blocks
from mjxdex.learning.learner import Learner
from mjxdex.runtime import topology
from mjxdex.runtime import trainer as trainer_module
from mjxdex.runtime.trainer import Trainer
from tests.runtime.toy_simulators import ToySimulators, toy_config, toy_learner

ENVS, HORIZON = 24, 4


def config(spec: str, **runtime: Any) -> Config:
    made = toy_config(
        ENVS, horizon=HORIZON, minibatches=2, epochs=2, learning_rate=1e-3, critic_learning_rate=1e-3,
        max_grad_norm=0.05, noise_correlation=0.9,
    )  # fmt: skip
    adr = AdrConfig(min_resets=1, success_threshold=0.3)
    return dataclasses.replace(made, adr=adr, runtime=RuntimeConfig(topology=spec, **runtime))


def build(spec: str, blocks: int | None = None, **runtime: Any) -> Trainer:
    """A trainer; `blocks` is the number in which one learner shuffles its envs."""

    def make(settings: Config, of_mesh: Blocks) -> Learner:
        return toy_learner(settings, of_mesh if blocks is None else Blocks(blocks))

    with (
        mock.patch.object(trainer_module, "Simulators", ToySimulators),
        mock.patch.object(trainer_module, "make_learner", make),
    ):
        return Trainer(config(spec, **runtime), topology.choose(config(spec, **runtime)))
