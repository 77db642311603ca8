"""A trained policy, read from a run folder or from a bundle."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from mjxdex import objects
from mjxdex.config import Config
from mjxdex.learning import learner as learning
from mjxdex.learning import normalizer
from mjxdex.learning.blocks import WHOLE, Blocks
from mjxdex.learning.learner import Learner
from mjxdex.learning.normalizer import RunningStats
from mjxdex.learning.state import LearnerState, Params
from mjxdex.learning.student_network import StudentNetwork
from mjxdex.runtime import bundles, checkpoints, run_folder
from mjxdex.task import observations


class TrainedPolicy(NamedTuple):
    """Attributes:
    config: The run's configuration.
    iteration: Training iterations behind the policy.
    adr_level: ADR level reached.
    learner: Runs the policy: `policy_step` from `initial_carry`. A student's network has `predict_step` too.
    params, stats: Parameters of the policy, and statistics of its vector observations.
    layout: Names and sizes of the terms of the vector observation, in order.
    notices: One line for each damaged checkpoint that was passed over.
    training: Milestones of the training so far as a dictionary; None if it logged nothing.
    """

    config: Config
    iteration: int
    adr_level: int
    learner: Learner | StudentNetwork
    params: Params
    stats: RunningStats
    layout: list[tuple[str, int]]
    notices: list[str]
    training: dict[str, Any] | None = None

    def checkpoint(self) -> dict[str, Any]:
        """What a checkpoint needs to hold, so that `load_policy` reads this policy."""
        return _checkpoint(self.learner, self.params, self.stats, jnp.int32(self.adr_level))


def make_learner(config: Config, blocks: Blocks = WHOLE) -> Learner:
    """The learner for a configuration: networks of the sizes that its observations have.

    Args:
      config: The run's configuration.
      blocks: How the envs are split over learners.
    """
    num_objects = len(objects.load(config.env.objects))

    def size(terms: tuple[str, ...]) -> int:
        return sum(n for _, n in observations.layout(terms, num_objects))

    told = observations.columns(config.observation.critic, num_objects)
    return learning.make(
        config,
        policy_dim=size(config.observation.policy),
        critic_dim=size(config.observation.critic),
        depth_shape=(config.camera.height, config.camera.width) if config.observation.depth else None,
        blocks=blocks,
        predicted={term: told[term] for term in config.ppo.predict},
    )


def make_student(config: Config) -> StudentNetwork:
    """The network of a student's configuration."""
    return StudentNetwork(config, sum(size for _, size in _layout(config)))


def make_network(config: Config) -> Learner | StudentNetwork:
    """What runs the policy of a configuration, a student's or not: `policy_step` from `initial_carry`."""
    return make_student(config) if config.distill.teacher else make_learner(config)


def learner_shapes(config: Config, learner: Learner | None = None) -> LearnerState:
    """Shapes and types of what a run of this configuration learns."""
    learner = learner or make_learner(config)
    return jax.eval_shape(lambda: learner.init(jax.random.key(0), config.env.num_envs))[0]


def bundled_shapes(config: Config) -> Any:
    """Shapes and types of what a bundle may hold of what a run of this configuration learns."""
    if config.distill.teacher:
        return _target(config, make_student(config))["learner"]
    return learner_shapes(config)


def load_policy(path: Path) -> TrainedPolicy:
    """Reads the policy of the newest whole checkpoint of the run in a folder, or that of a bundle.

    Raises: mjxdex.config.UserError: There is no run, no checkpoint is whole, or the file is no bundle.
    """
    if bundles.is_bundle(path):
        return _of_bundle(bundles.read(path))
    config = run_folder.open_run(path)
    learner = make_network(config)
    restored = checkpoints.load(path, _target(config, learner))
    policy = _policy(config, learner, restored.iteration, restored.state, restored.notices)
    return policy._replace(training=bundles.training_until(path, restored.iteration))


def pretrained(name: str) -> Path:
    """The bundle of a policy that is shipped in the repository's pretrained/.

    Raises: mjxdex.config.UserError: There is none of that name; the message lists those there are.
    """
    return bundles.find(name, Path(__file__).resolve().parents[2] / "pretrained")


def _of_bundle(bundle: bundles.Bundle) -> TrainedPolicy:
    learner = make_network(bundle.config)
    target = _target(bundle.config, learner)
    wanted = checkpoints.flatten(target)
    arrays = {name: array for name, array in bundle.arrays.items() if name in wanted}
    bundles.check_fits(bundle._replace(arrays=arrays), bundle.config, target)
    policy = _policy(bundle.config, learner, bundle.iteration, checkpoints.filled(arrays, target), [])
    return policy._replace(training=bundle.provenance["training"])


def _target(config: Config, learner: Learner | StudentNetwork) -> dict:
    """What of a checkpoint a policy is made of."""
    if isinstance(learner, StudentNetwork):
        params = jax.eval_shape(lambda: learner.init(jax.random.key(0)))
        stats = jax.eval_shape(lambda: normalizer.init((learner.policy_dim,)))
    else:
        shapes = learner_shapes(config, learner)
        params, stats = shapes.policy, shapes.normalizers.policy
    return _checkpoint(learner, params, stats, jax.ShapeDtypeStruct((), jnp.int32))


def _checkpoint(learner: Learner | StudentNetwork, params: Any, stats: Any, level: Any) -> dict[str, Any]:
    """Arrays of a policy, or their shapes, where a checkpoint of its kind of run has them."""
    students = isinstance(learner, StudentNetwork)
    learned = {"stats": stats} if students else {"normalizers": {"policy": stats}}
    return {"learner": {"policy": params, **learned}, "adr": {"level": level}}


def _layout(config: Config) -> list[tuple[str, int]]:
    return observations.layout(config.observation.policy, len(objects.load(config.env.objects)))


def _policy(
    config: Config, learner: Learner | StudentNetwork, iteration: int, state: dict, notices: list[str]
) -> TrainedPolicy:
    learned = state["learner"]
    student = isinstance(learner, StudentNetwork)
    return TrainedPolicy(
        config=config,
        iteration=iteration,
        adr_level=int(state["adr"]["level"]),
        learner=learner,
        params=learned["policy"],
        stats=learned["stats"] if student else learned["normalizers"]["policy"],
        layout=_layout(config),
        notices=notices,
    )
