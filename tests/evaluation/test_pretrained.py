"""Shipped policies fit this version, and do what the README says of them."""

from dataclasses import replace
from pathlib import Path

import jax
import pytest

from mjxdex.evaluation.evaluate import evaluate
from mjxdex.runtime.trained import load_policy, pretrained

SHIPPED = sorted(Path(__file__).parents[2].glob("pretrained/*.bundle"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_networks_and_settings_fit(path):
    policy = load_policy(path)
    assert policy.iteration > 0 and not policy.notices


@pytest.mark.slow
def test_the_state_policy_lifts_most_of_some_objects():
    """14 of these 16 were held at the end when it was shipped; a policy that only hovers holds none."""
    policy = load_policy(pretrained("state"))
    env = replace(policy.config.env, num_envs=16, episode_length_s=6.0, spread_first_episodes=False)
    config = replace(
        policy.config,
        env=env,
        seed=0,
        adr=replace(policy.config.adr, start_level=policy.adr_level),
        ppo=replace(policy.config.ppo, minibatches=1),
    )
    report, _ = evaluate(policy, config, jax.local_devices()[0])
    assert report.total.held_at_end >= 9 / 16
