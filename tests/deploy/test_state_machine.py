"""The states of the published deployment, their thresholds, and the ways out of a failed grasp."""

import re

import numpy as np
import pytest

from mjxdex.deploy.state_machine import Mode, Poses, StateMachine, Thresholds

HOME, BOX = (np.array(palm[:3]) for palm in (Poses().home_palm, Poses().box_palm))
LIMITS = Thresholds()
ON_TABLE, LIFTED = np.array([-0.5, 0.1, 0.45]), np.array([-0.5, 0.1, 0.451])


def hand(palm: np.ndarray, opening: float = 0.1) -> np.ndarray:
    """Hand points [5, 3] with the tips of index finger and thumb that far apart."""
    points = np.tile(palm, (5, 1))
    points[1, 0] += opening
    return points


def at(mode: Mode) -> StateMachine:
    """A machine that has just entered a mode at time 1, on the regular way."""
    machine = StateMachine(0.0)
    way = ((HOME, 0.1, None), (HOME, 0.1, LIFTED), (BOX, 0.1, None))
    for palm, opening, seen in way:
        if machine.mode is mode:
            return machine
        machine.update(1.0, hand(palm, opening), seen)
    assert machine.mode is mode
    return machine


def test_the_whole_way():
    machine = StateMachine(0.0)
    assert machine.update(0.1, hand(HOME + (0.101, 0, 0)), None) is Mode.HOME
    assert machine.update(0.2, hand(HOME + (0.099, 0, 0)), None) is Mode.POLICY
    assert machine.update(0.3, hand(HOME), ON_TABLE) is Mode.POLICY
    assert machine.update(0.4, hand(HOME), LIFTED) is Mode.BOX_CLOSED
    assert machine.update(0.5, hand(BOX + (0, 0.201, 0)), None) is Mode.BOX_CLOSED
    assert machine.update(0.6, hand(BOX + (0, 0.199, 0)), None) is Mode.BOX_OPEN
    assert machine.update(0.7, hand(BOX, 0.229), None) is Mode.BOX_OPEN
    assert machine.update(0.8, hand(BOX + (0.3, 0, 0), 0.231), None) is Mode.BOX_OPEN
    assert machine.update(0.9, hand(BOX, 0.231), None) is Mode.HOME
    assert [event.reason for event in machine.events] == [
        "start", "at home", "lifted", "over the bin", "released",
    ]  # fmt: skip


def test_waits_at_home_for_the_operator():
    machine = StateMachine(0.0)
    machine.engaged = False
    assert machine.update(100.0, hand(HOME), None) is Mode.HOME
    machine.engaged = True
    assert machine.update(100.1, hand(HOME), None) is Mode.POLICY


def test_grip_is_what_the_policy_asked_for_lately():
    machine = at(Mode.POLICY)
    wanted = np.array([3.0, 2.0, 0.0, 0.5, -0.2])
    machine.note_grip(wanted)
    expected = np.array(Poses().home_hand) + 0.1 * (wanted - Poses().home_hand)
    machine.update(2.0, hand(HOME), LIFTED)
    palm_pos, palm_euler, pca = machine.targets()
    np.testing.assert_allclose(pca, expected)
    np.testing.assert_allclose([*palm_pos, *palm_euler], Poses().box_palm)
    machine.update(2.1, hand(BOX), None)
    np.testing.assert_allclose(machine.targets()[2], Poses().open_hand)


@pytest.mark.parametrize(
    ("mode", "palm", "seen", "after", "then", "reason"),
    [
        (Mode.HOME, BOX, None, LIMITS.home_timeout, Mode.STOPPED, "stuck: .* from home"),
        (Mode.POLICY, HOME, ON_TABLE, LIMITS.policy_timeout, Mode.HOME, "time-out"),
        (Mode.POLICY, HOME, None, LIMITS.lost_timeout, Mode.HOME, "lost"),
        (Mode.BOX_CLOSED, HOME, None, LIMITS.box_timeout, Mode.STOPPED, "stuck: .* from the bin"),
        (Mode.BOX_OPEN, BOX, None, LIMITS.open_timeout, Mode.STOPPED, "stuck: hand open by 0.10 m"),
    ],
)
def test_ways_out_of_what_does_not_come_to_an_end(mode, palm, seen, after, then, reason):
    machine = at(mode)
    since = machine.since
    for moment in np.arange(since, since + after, 0.25):
        assert machine.update(moment, hand(palm), seen) is mode
    assert machine.update(since + after + 0.02, hand(palm), seen) is then
    assert re.match(reason, machine.events[-1].reason)


def test_only_an_operator_ends_a_stop():
    machine = at(Mode.POLICY)
    machine.stop(2.0, "first")
    machine.stop(2.1, "second")
    assert machine.update(3.0, hand(HOME), LIFTED) is Mode.STOPPED
    assert machine.events[-1].reason == "first"
    machine.resume(4.0)
    assert machine.mode is Mode.HOME
