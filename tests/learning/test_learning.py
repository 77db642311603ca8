"""What recurrent PPO must be able to learn, and to value, on toy envs."""

import numpy as np

from mjxdex.config import PpoConfig
from tests.learning import toy

FAST = PpoConfig(
    horizon=22,
    learning_rate=3e-3,
    critic_learning_rate=3e-3,
    decay_iterations=10**6,
    discount=0.99,
    entropy_coef=0.0,
    reward_scale=1.0,
)


def test_memory_is_learned_and_impossible_without_the_lstm_state():
    """A cue shown once is asked for 10 steps later: 1 for perfect recall, 0 for the best guess."""
    train = toy.trainer(toy.tiny(FAST, 2), toy.recall(delay=10), iterations=40)
    returns = {}
    for forget in (False, True):
        _, metrics = train(0, forget)
        returns[forget] = np.asarray(metrics["episode_return"])
    assert returns[False][:2].mean() < 0.3
    assert returns[False][-5:].mean() > 0.8
    assert returns[True][-5:].mean() < 0.2


def test_constant_reward_is_worth_more_before_a_time_limit_than_before_a_termination():
    """Reward 1 for ever is worth 1 / (1 - γ), time limits or not; n steps before the end, n terms of it."""
    discount = 0.8
    ppo = PpoConfig(
        horizon=8, critic_learning_rate=1e-2, discount=discount, reward_scale=1.0, clip_value=False
    )
    train = toy.trainer(toy.tiny(ppo, 1), toy.constant_reward(length=4), iterations=60)
    (_, _, rollout, *_), metrics = train(0, False)
    assert float(metrics["episode_length"][-1]) == 4 and float(metrics["episode_return"][-1]) == 4
    truncated, terminated = np.split(np.asarray(rollout.value), 2, axis=1)
    np.testing.assert_allclose(truncated, 1 / (1 - discount), rtol=0.1)
    to_go = 4 - (np.arange(8)[:, None] + np.arange(toy.ENVS // 2)) % 4
    np.testing.assert_allclose(terminated, (1 - discount**to_go) / (1 - discount), atol=0.3)
