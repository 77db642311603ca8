"""The hand lifts the primitives with the policy's own 11 actions, in MuJoCo C and in the task itself."""

import numpy as np
import pytest

from mjxdex import objects, scene
from mjxdex.config import Config, UserError
from mjxdex.evaluation import grasp_search, playback, scripted
from mjxdex.fabric.action import targets

CONFIG = Config()


def play(scripts, names):
    """Verdicts of MuJoCo C on one script an object."""
    primitives = objects.load("primitives")
    models = [scene.build(CONFIG, primitives, primitives.names.index(name)) for name in names]
    inputs = playback.servo_inputs(CONFIG, scripts)
    return playback.judge(CONFIG, playback.play_mujoco(CONFIG, models, inputs))


def test_closing_the_hand_makes_the_difference():
    names = ["large_5_cyl", "small_8_cuboid"]
    grasps = [scripted.load(scripted.GRASPS_FILE)[name] for name in names]
    closing = [scripted.script(grasp) for grasp in grasps]
    open_hand = [scripted.script(grasp._replace(closed=grasp.open)) for grasp in grasps]
    verdict = play(np.stack(closing + open_hand), 2 * names)
    np.testing.assert_array_equal(verdict.held, [True, True, False, False])
    assert verdict.distance[:2].max() < 0.06 and np.abs(verdict.drop[:2]).max() < 0.01
    assert verdict.height[2:].max() < 0.4


@pytest.mark.slow
def test_both_engines_lift_the_primitives():
    primitives = objects.load("primitives")
    scripts = np.stack([scripted.actions(name) for name in primitives.names])
    in_c = play(scripts, primitives.names)
    in_task = playback.judge(CONFIG, playback.play_task(CONFIG, primitives, list(range(12)), scripts))
    assert in_c.held.sum() >= 10, in_c
    assert in_task.held.sum() >= 10, in_task


def test_judges_position_time_and_reach():
    still = np.zeros((4, 200, 30))
    still[..., playback.OBJECT_POS] = CONFIG.env.goal_pos
    still[1, -119, 23] += 0.11  # slips out for one step of the last 2 s
    still[2, :80, 25] = 0.26  # lies on the table before
    still[3, 5, 24] = 0.51  # out of reach at some time
    np.testing.assert_array_equal(playback.judge(CONFIG, still).held, [True, False, True, False])


def test_targets_survive_the_way_through_actions():
    grasp = scripted.load(scripted.GRASPS_FILE)["large_8_cyl"]
    actions = scripted.script(grasp)
    assert actions.shape == (450, 11) and actions.dtype == np.float32
    palm_pos, palm_euler, pca = targets(actions[-1], CONFIG.env.max_pose_angle_deg)
    np.testing.assert_allclose(palm_pos, grasp.lifted_pos, atol=1e-5)
    np.testing.assert_allclose(palm_euler, np.deg2rad(grasp.palm_euler_deg), atol=1e-5)
    np.testing.assert_allclose(pca, grasp.closed, atol=1e-5)


def test_says_which_grasps_there_are(tmp_path):
    with pytest.raises(UserError, match="no grasp for 'cup'.*small_8_cyl"):
        scripted.actions("cup")
    with pytest.raises(UserError, match=r"search_grasps\.py writes one"):
        scripted.load(tmp_path / "none.yaml")


def test_files_keep_what_was_searched(tmp_path):
    grasps = scripted.load(scripted.GRASPS_FILE)
    scripted.save(tmp_path / "grasps.yaml", grasps)
    assert scripted.load(tmp_path / "grasps.yaml") == grasps


@pytest.mark.slow
def test_search_finds_a_grasp_that_holds_when_played_again():
    primitives = objects.load("primitives")
    k = primitives.names.index("large_5_cuboid")
    first, second = grasp_search.search(CONFIG, primitives, k, random=48, generations=1)
    assert (first.tried, second.tried) == (48, 48 + grasp_search.POPULATION)
    assert second.held >= first.held > 0
    verdict = play(scripted.script(second.grasp)[None], ["large_5_cuboid"])
    assert verdict.held[0] and verdict.distance[0] < 0.1
