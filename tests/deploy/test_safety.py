"""Every fault, injected into a loop in the middle of a grasp, ends in STOPPED within the documented time.

The times are those of docs/deployment.md; one control step is 1/60 s.
"""

import time

import numpy as np
import pytest

from mjxdex import objects
from mjxdex.config import CameraConfig, Config
from mjxdex.deploy.interfaces import DepthImage
from mjxdex.deploy.loop import ControlLoop
from mjxdex.deploy.policy import PolicyOutput
from mjxdex.deploy.scripted_policy import ScriptedPolicy
from mjxdex.deploy.simulated import SimulatedCamera, SimulatedClock, SimulatedRobot
from mjxdex.deploy.state_machine import Mode, Thresholds
from mjxdex.deploy.watchdog import Watchdog

CONFIG = Config(camera=CameraConfig(width=80, height=60))
PRIMITIVES = objects.load("primitives")
STEP = 1 / 60
FAULT_AT = 0.5
"""Seconds of grasping before the fault."""


class Cell:
    """A simulated cell, whose parts a test can spoil, with a scripted grasp on its way."""

    def __init__(self) -> None:
        self.robot = SimulatedRobot(CONFIG, PRIMITIVES)
        self.robot.place(0, (-0.55, 0.1, 0.3))
        self.camera, self.policy = (
            SimulatedCamera(self.robot, CONFIG),
            ScriptedPolicy(PRIMITIVES.names[0], CONFIG),
        )
        self.loop = ControlLoop(
            self.robot, self.camera, SimulatedClock(self.robot), self.policy,
            thresholds=Thresholds(lost_timeout=99.0),
        )  # fmt: skip
        machine = self.loop.machine
        self.loop.run(lambda step: step.mode is Mode.POLICY and step.time > machine.since + FAULT_AT)
        self.since = self.robot.now

    def run(self, seconds: float) -> tuple[float, str]:
        """Goes on; when after the fault the robot was stopped, s, and why."""
        until = self.robot.now + seconds
        self.loop.run(lambda step: step.time >= until)
        last = self.loop.machine.events[-1]
        assert last.mode is Mode.STOPPED, self.loop.machine.events
        assert self.robot.stopped
        return last.time - self.since, last.reason


@pytest.fixture
def cell() -> Cell:
    return Cell()


def spoil_reading(cell: Cell, change) -> None:
    read = cell.robot.read
    cell.robot.read = lambda: change(read())


def nan_joint(reading):
    reading.pos[3] = np.nan
    return reading


def beyond_limit(reading):
    reading.pos[9] = 1.9
    return reading


def too_fast(reading):
    reading.vel[2] = -11.0
    return reading


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (nan_joint, "joint reading is not a number"),
        (beyond_limit, "joint limit: index_joint_2 at 1.90 rad"),
        (too_fast, "joint speed: iiwa7_joint_3 at -11.0 rad/s"),
    ],
)
def test_wrong_readings_stop_at_once(cell, change, reason):
    spoil_reading(cell, change)
    assert cell.run(0.1) == (pytest.approx(STEP, abs=STEP), reason)


def test_old_readings_stop_within_a_tenth_of_a_second(cell):
    frozen = cell.robot.read()
    spoil_reading(cell, lambda reading: frozen)
    after, reason = cell.run(0.3)
    assert "joint reading is 0.1" in reason and after <= 0.1 + 2 * STEP


def test_a_hand_below_the_table_stops_at_once(cell):
    below = cell.loop.monitor.of_hand(np.array([[-0.5, 0.1, 0.4]] * 4 + [[-0.5, 0.1, 0.21]]))
    assert below == "workspace: thumb_biotac_tip at (-0.50, 0.10, 0.21)"
    reach = np.array([-0.2, 1.6, 0.0, 0.3, 0.0, 0.0, 0.0])

    def down(reading):
        reading.pos[:7] = reach
        return reading

    spoil_reading(cell, down)
    after, reason = cell.run(0.1)
    assert reason.startswith("workspace: ") and after <= 2 * STEP


def test_no_image_no_action_then_a_stop_after_half_a_second(cell):
    frozen = cell.camera.read()
    cell.camera.read = lambda: frozen
    acted = []
    cell.loop.run(lambda step: acted.append(step.acted) or len(acted) == 12)
    assert sum(acted[:3]) == 3 and not any(acted[4:])
    after, reason = cell.run(0.6)
    assert reason.startswith("image is 0.5") and 0.45 < after <= 0.5 + 2 * STEP


def test_an_image_that_is_not_a_number_stops_at_once(cell):
    read = cell.camera.read

    def broken() -> DepthImage:
        image = read()
        depth = image.depth.copy()
        depth[3, 4] = np.nan
        return image._replace(depth=depth)

    cell.camera.read = broken
    assert cell.run(0.1) == (pytest.approx(STEP, abs=STEP), "image is not a number")


def test_an_action_that_is_not_a_number_stops_at_once_and_is_never_sent(cell):
    sent = []
    command = cell.robot.command
    cell.robot.command = lambda pos, vel: (sent.append(pos), command(pos, vel))
    cell.policy.act = lambda known, depth: PolicyOutput(np.full(11, np.nan), None)
    assert cell.run(0.1) == (pytest.approx(STEP, abs=STEP), "action is not a number")
    assert not sent


def test_an_arm_that_does_not_follow_stops_after_half_a_second(cell):
    held = cell.robot.read().pos
    held[0] += 0.5

    def stuck(reading):
        reading.pos[0] = held[0]
        return reading

    spoil_reading(cell, stuck)
    after, reason = cell.run(1.0)
    assert reason.startswith("stuck: iiwa7_joint_1") and 0.5 <= after <= 0.5 + 3 * STEP


def test_a_command_beyond_the_joint_limits_is_never_sent(cell):
    sent = []
    cell.robot.command = lambda pos, vel: sent.append(pos)
    fabric = cell.loop._fabric
    fabric.advance = lambda *targets: None
    fabric.state = fabric.state._replace(pos=fabric.state.pos + 3.0)
    after, reason = cell.run(0.1)
    assert reason.startswith("commanded joint limit: ") and after <= 2 * STEP and not sent


def test_a_stopped_robot_rests_until_it_is_resumed(cell):
    spoil_reading(cell, nan_joint)
    cell.run(0.1)
    del cell.robot.read
    rest = cell.robot.read().pos[:7]
    cell.run(1.0)
    assert np.abs(cell.robot.read().pos[:7] - rest).max() < 0.15
    assert np.abs(cell.robot.read().vel[:7]).max() < 0.05
    cell.loop.resume()
    step = cell.loop.run(lambda step: step.mode in (Mode.POLICY, Mode.STOPPED))
    assert step.mode is Mode.POLICY and not cell.robot.stopped


def test_watchdog_stops_a_loop_that_hangs(cell):
    calls = []
    stop = cell.robot.stop

    def noted_stop() -> None:
        calls.append(time.monotonic())
        stop()

    sent = []
    command = cell.robot.command
    cell.robot.command = lambda pos, vel: (sent.append(time.monotonic()), command(pos, vel))
    with Watchdog(noted_stop, timeout=0.3) as watchdog:
        cell.loop._watchdog = watchdog
        act = cell.policy.act

        def hang(known, depth):
            cell.policy.act = act
            began.append(time.monotonic())
            time.sleep(0.8)
            return act(known, depth)

        began = []
        cell.policy.act = hang
        _, reason = cell.run(0.1)
    assert reason == "watchdog: no control step for 0.3 s"
    assert calls[0] - began[0] < 0.3 + 0.15
    assert not [moment for moment in sent if moment > calls[0]]
