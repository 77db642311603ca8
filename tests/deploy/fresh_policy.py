"""Policies that have learned nothing yet, as ONNX files: enough for everything but success."""

from pathlib import Path

import jax
import jax.numpy as jnp

from mjxdex import objects
from mjxdex.config import Config
from mjxdex.deploy.export import export
from mjxdex.deploy.export_student import export_student
from mjxdex.learning.normalizer import RunningStats
from mjxdex.runtime.trained import make_learner, make_student
from mjxdex.task import observations


def export_fresh(config: Config, path: Path, adr_level: int = 0, gain: float = 1.0) -> Path:
    """Writes a freshly initialized policy of `config`; `gain` scales its actions, which start near 0."""
    learner = make_learner(config)
    state = jax.jit(lambda key: learner.init(key, config.ppo.minibatches)[0])(jax.random.key(0))
    params = state.policy
    params["mean"]["kernel"] *= gain
    layout = observations.layout(config.observation.policy, len(objects.load(config.env.objects)))
    stats: RunningStats = state.normalizers.policy
    return export(config, params, stats, layout, path, adr_level=adr_level).path


def export_fresh_student(config: Config, path: Path, gain: float = 1.0) -> Path:
    """Writes a freshly initialized student of `config`, likewise."""
    layout = observations.layout(config.observation.policy, len(objects.load(config.env.objects)))
    size = sum(count for _, count in layout)
    params = jax.jit(make_student(config).init)(jax.random.key(0))
    params["mean"]["kernel"] *= gain
    stats = RunningStats(jnp.float32(1), jnp.zeros(size), jnp.ones(size))
    return export_student(config, params, stats, layout, path, adr_level=config.adr.start_level).path
