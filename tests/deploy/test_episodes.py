"""Episodes in the cell start, are judged and start anew as those of the task."""

import jax
import jax.numpy as jnp
import numpy as np

from mjxdex import objects
from mjxdex.config import POLICY_TERMS, CameraConfig, Config
from mjxdex.deploy.episodes import Episodes
from mjxdex.deploy.observations import assemble
from mjxdex.deploy.policy import PolicyOutput
from mjxdex.deploy.safety import Limits
from mjxdex.deploy.spawn import spawn_pose
from mjxdex.robot.tables import RESET_POS
from mjxdex.task import observations
from mjxdex.task.reset import fresh
from mjxdex.task.state import view

CONFIG = Config(camera=CameraConfig(width=80, height=60))
PRIMITIVES = objects.load("primitives")


class Script:
    """A policy that stays where it is, and meddles with the cell in some of its steps."""

    config, adr_level = CONFIG, 0

    def __init__(self) -> None:
        self.seen, self.resets, self.meddle = [], 0, {}

    def reset(self) -> None:
        self.resets += 1

    def act(self, known, image):
        self.meddle.get(len(self.seen), lambda: None)()
        self.seen.append((known, image))
        return PolicyOutput(np.zeros(11), None)


def play(steps: int, meddle=None, limits: Limits | None = None):
    """An episode with object 3; `meddle` maps control steps to what is done to the episodes in them."""
    policy = Script()
    episodes = Episodes(policy, PRIMITIVES, steps=steps, **({} if limits is None else {"limits": limits}))
    policy.meddle = {t: lambda do=do: do(episodes) for t, do in (meddle or {}).items()}
    return episodes.play(3, 0), policy, episodes


def test_the_policy_acts_at_once_on_the_first_observation_of_the_task():
    zero = jnp.zeros(1, jnp.int32)
    state = fresh(CONFIG.adr, len(PRIMITIVES), zero + 3, zero, jax.random.key(0), jnp.int32(0))
    expected = observations.group(POLICY_TERMS, state, view(state.physics), CONFIG.env, len(PRIMITIVES))
    starts = []
    _, policy, _ = play(5, {0: lambda episodes: starts.append(episodes.robot.moments[-1].qpos)})
    assert len(policy.seen) == 5
    known, image = policy.seen[0]
    np.testing.assert_allclose(assemble(POLICY_TERMS, known, 1.0), expected, atol=1e-6)
    np.testing.assert_allclose(starts[0], state.physics.qpos[0], atol=1e-6)
    assert image.time == 0 and (image.depth > 0).any()


def test_every_image_is_of_its_own_step():
    _, policy, _ = play(10)
    np.testing.assert_allclose([image.time for _, image in policy.seen], np.arange(10) / 60, atol=1e-9)


def test_success_is_after_the_step():
    episode, _, _ = play(4, {2: lambda episodes: episodes.robot.place(3, CONFIG.env.goal_pos)})
    assert episode.success.tolist() == [False, False, True, True]
    assert not episode.lost.any()


def test_a_lost_object_starts_anew_with_robot_and_policy():
    lose = {3: lambda episodes: episodes.robot.place(3, (-0.55, 0.1, 0.19))}
    episode, policy, _ = play(6, lose)
    assert episode.lost.tolist() == [False] * 3 + [True] + [False] * 2
    assert len(policy.seen) == 6
    known, image = policy.seen[4]
    np.testing.assert_array_equal(known.joint_pos, RESET_POS)
    np.testing.assert_array_equal(known.fabric.pos, RESET_POS)
    np.testing.assert_array_equal(image.depth, policy.seen[0][1].depth)
    assert policy.resets >= 2


def test_limits_stop_the_robot_only_on_request():
    assert play(4)[0].stops == []
    episode, policy, _ = play(4, limits=Limits(velocity=(1e-6,) * 23))
    assert [stop.partition(":")[0] for stop in episode.stops] == ["joint speed"]
    assert len(policy.seen) < 4 and len(episode.success) == 4


def test_places_are_spread_as_by_the_reset():
    """Extremes of many draws at full randomization, where they are widest."""
    count, rng = 4000, np.random.default_rng(0)
    ours = np.array(
        [[*pose.pos, *pose.quat] for pose in (spawn_pose(CONFIG.adr, 50, rng) for _ in range(count))]
    )
    ids = jnp.arange(count, dtype=jnp.int32)
    state = fresh(CONFIG.adr, 1, ids, 0 * ids, jax.random.key(0), jnp.int32(50))
    theirs = np.asarray(state.physics.qpos)[:, 23:]
    for share in (0.0, 0.1, 0.5, 0.9, 1.0):
        np.testing.assert_allclose(*(np.quantile(pose, share, axis=0) for pose in (ours, theirs)), atol=0.06)
