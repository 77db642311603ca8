"""A trained policy, read from a run folder."""

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp

from mjxdex import objects
from mjxdex.config import Config
from mjxdex.learning import learner as learning
from mjxdex.learning import normalizer
from mjxdex.learning.blocks import WHOLE, Blocks
from mjxdex.learning.learner import Learner
from mjxdex.learning.normalizer import RunningStats
from mjxdex.learning.state import Params
from mjxdex.learning.student_network import StudentNetwork
from mjxdex.runtime import checkpoints, run_folder
from mjxdex.task import observations


class TrainedPolicy(NamedTuple):
    """Attributes:
    config: The run's configuration.
    iteration: Training iterations behind the policy.
    adr_level: ADR level reached.
    learner: Runs the policy: `policy_step` of a Learner, `predict_step` of a student's network.
    params, stats: Parameters of the policy, and statistics of its vector observations.
    layout: Names and sizes of the terms of the vector observation, in order.
    notices: One line for each damaged checkpoint that was passed over.
    """

    config: Config
    iteration: int
    adr_level: int
    learner: Learner | StudentNetwork
    params: Params
    stats: RunningStats
    layout: list[tuple[str, int]]
    notices: list[str]


def make_learner(config: Config, blocks: Blocks = WHOLE) -> Learner:
    """The learner for a configuration: networks of the sizes that its observations have.

    Args:
      config: The run's configuration.
      blocks: How the envs are split over learners.
    """
    num_objects = len(objects.load(config.env.objects))

    def size(terms: tuple[str, ...]) -> int:
        return sum(n for _, n in observations.layout(terms, num_objects))

    return learning.make(
        config,
        policy_dim=size(config.observation.policy),
        critic_dim=size(config.observation.critic),
        depth_shape=(config.camera.height, config.camera.width) if config.observation.depth else None,
        blocks=blocks,
    )


def load_policy(folder: Path) -> TrainedPolicy:
    """Reads the policy, or the student, of the newest whole checkpoint of the run in `folder`.

    Raises: mjxdex.config.UserError: There is no run, or none of its checkpoints is whole.
    """
    config = run_folder.open_run(folder)
    layout = observations.layout(config.observation.policy, len(objects.load(config.env.objects)))
    if config.distill.teacher:
        learner = StudentNetwork(config, sum(size for _, size in layout))
        params = jax.eval_shape(lambda: learner.init(jax.random.key(0)))
        stats = jax.eval_shape(lambda: normalizer.init((learner.policy_dim,)))
        saved = {"policy": params, "stats": stats}
    else:
        learner = make_learner(config)
        state, _ = jax.eval_shape(lambda: learner.init(jax.random.key(0), config.env.num_envs))
        saved = {"policy": state.policy, "normalizers": {"policy": state.normalizers.policy}}
    level = {"level": jax.ShapeDtypeStruct((), jnp.int32)}
    restored = checkpoints.load(folder, {"learner": saved, "adr": level})
    found = restored.state["learner"]
    return TrainedPolicy(
        config=config,
        iteration=restored.iteration,
        adr_level=int(restored.state["adr"]["level"]),
        learner=learner,
        params=found["policy"],
        stats=found["stats"] if config.distill.teacher else found["normalizers"]["policy"],
        layout=layout,
        notices=restored.notices,
    )
