"""Shipped policies fit this version, and do what the README says of them."""

from dataclasses import replace
from pathlib import Path

import jax
import pytest

from mjxdex.evaluation.evaluate import evaluate, whole_episodes
from mjxdex.runtime.trained import load_policy, pretrained

SHIPPED = sorted(Path(__file__).parents[2].glob("pretrained/*.bundle"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_networks_and_settings_fit(path):
    policy = load_policy(path)
    assert policy.iteration > 0 and not policy.notices


@pytest.mark.slow
@pytest.mark.parametrize("name, at_least", [("state", 9), ("mono_depth", 7)])
def test_a_shipped_policy_lifts_many_objects(name, at_least):
    """Of these 16, `state` held 14 at the end when it was shipped, `mono_depth` 11; who hovers holds none."""
    policy = load_policy(pretrained(name))
    config = whole_episodes(policy.config, 16, 6.0, policy.adr_level)
    report, _ = evaluate(policy, replace(config, seed=0), jax.local_devices()[0])
    assert report.total.held_at_end >= at_least / 16


def test_the_depth_policy_lifts_in_mujoco_c():
    """Of these 8 objects at level 0, `depth160` held 7 after 2.5 s when it was shipped."""
    policy = load_policy(pretrained("depth160"))
    config = whole_episodes(policy.config, 8, 2.5, 0)
    config = replace(config, seed=0, physics=replace(config.physics, engine="c"))
    report, _ = evaluate(policy, config, jax.local_devices()[0])
    assert report.total.held_at_end >= 4 / 8
