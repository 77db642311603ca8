"""The control loop: readings and images in, joint targets out, once a control step."""

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mjxdex.deploy.camera_model import depth_camera
from mjxdex.deploy.fabric_targets import FabricTargets
from mjxdex.deploy.interfaces import Camera, Clock, DepthImage, JointReading, RobotDriver
from mjxdex.deploy.object_estimate import ObjectEstimate
from mjxdex.deploy.observations import Known
from mjxdex.deploy.policy import NUM_ACTIONS, Policy
from mjxdex.deploy.safety import Limits, Monitor
from mjxdex.deploy.state_machine import Mode, Poses, StateMachine, Thresholds
from mjxdex.deploy.timing import Timing
from mjxdex.deploy.watchdog import Watchdog
from mjxdex.fabric.action import targets
from mjxdex.robot import kinematics

ESTIMATE_EVERY = 3
"""Images between two of which the object's position is estimated, for policies without an object head."""
_REMEMBERED = 60
"""Joint readings kept, for images that are up to a second old."""


class Step(NamedTuple):
    """What a control step did.

    Attributes:
      time: s, of the loop's clock.
      mode: of the state machine.
      reading: of the joints.
      object_pos: newest estimate of the object's position that counts [3], metres, or None.
      acted: the policy was asked.
    """

    time: float
    mode: Mode
    reading: JointReading
    object_pos: np.ndarray | None
    acted: bool


class ControlLoop:
    """Runs a policy on a robot.

    The state machine decides who gives the targets of palm and hand: it or the policy. The fabric turns them
    into joint targets. Whatever `safety` finds wrong brings the machine to STOPPED, the robot to rest, and
    keeps both there until `resume`.

    Args:
      robot, camera, clock: see `interfaces`.
      policy: acts in the mode POLICY. One that sees colours has to say where the object is.
      poses, thresholds, limits: of the cell.
      watchdog: fed once a control step; it stops the robot if that takes too long.

    Attributes:
      machine: the state machine.
      timing: of all steps.
      hand_points: measured in the last step [5, 3], metres.
      period: s between two control steps, as in training.
    """

    def __init__(
        self,
        robot: RobotDriver,
        camera: Camera,
        clock: Clock,
        policy: Policy,
        *,
        poses: Poses | None = None,
        thresholds: Thresholds | None = None,
        limits: Limits | None = None,
        watchdog: Watchdog | None = None,
    ) -> None:
        config = policy.config
        self.robot, self.camera, self.clock, self.policy = robot, camera, clock, policy
        self.period = config.physics.control_period
        self.machine = StateMachine(clock.now(), poses, thresholds)
        self.timing = Timing(self.period)
        self.monitor = Monitor(limits or Limits())
        self._watchdog = watchdog
        self._estimate = ObjectEstimate(depth_camera(config.camera))
        self._fabric = FabricTargets(config, policy.adr_level)
        self._goal = np.array(config.env.goal_pos)
        self._readings: deque[JointReading] = deque(maxlen=_REMEMBERED)
        self._due = clock.now()
        self._start(robot.read())

    def run(self, until: Callable[[Step], bool]) -> Step:
        """Steps in time until `until` says so; returns the last step."""
        self._due = max(self._due, self.clock.now())
        while True:
            self.clock.sleep_until(self._due)
            started, due = time.perf_counter(), self._due
            lateness = self.clock.now() - due
            step = self.step()
            duration = time.perf_counter() - started
            self.timing.step(duration, lateness + duration)
            if self._watchdog is not None:
                self._watchdog.feed()
            # A late loop goes on from now: catching up would let the fabric run ahead of the robot.
            self._due = max(due + self.period, self.clock.now() if lateness + duration > self.period else 0.0)
            if until(step):
                return step

    def resume(self) -> None:
        """After an operator's word, in any mode: from the measured joints to the home pose."""
        if self._watchdog is not None:
            self._watchdog.reset()
        self.machine.resume(self.clock.now())
        self._start(self.robot.read())

    def step(self) -> Step:
        """One control step."""
        now = self.clock.now()
        reading = self.robot.read()
        self._readings.append(reading)
        self._heed_watchdog(now)
        self._check(now, reading)
        acted = False
        if self.machine.mode is not Mode.STOPPED:
            was = self.machine.mode
            self.machine.update(now, self.hand_points, self._object_if_fresh(now))
            if self.machine.mode is Mode.POLICY:
                if was is not Mode.POLICY:
                    self._engage()
                acted = self._follow_policy(now, reading)
            if self.machine.mode not in (Mode.POLICY, Mode.STOPPED):
                self._targets = self.machine.targets()
            self._command(now)
        if self.machine.mode is Mode.STOPPED:
            self.robot.stop()
        return Step(now, self.machine.mode, reading, self._object_if_fresh(now), acted)

    def _start(self, reading: JointReading) -> None:
        self._fabric.start(reading.pos)
        self.hand_points = kinematics.hand_points(reading.pos)
        self._commanded: np.ndarray | None = None
        self._targets = self.machine.targets()
        self._readings.clear()
        self.monitor.reset()
        self._engage()

    def _engage(self) -> None:
        self.policy.reset()
        self._last_action = np.zeros(NUM_ACTIONS)
        self._object: tuple[float, np.ndarray] | None = None
        self._image_time, self._images = -np.inf, 0

    def _check(self, now: float, reading: JointReading) -> None:
        """Stops if reading or hand are not as they may be."""
        fault = self.monitor.of_reading(now, reading, self._commanded)
        if fault is None:
            self.hand_points = kinematics.hand_points(reading.pos)
            fault = self.monitor.of_hand(self.hand_points)
        if fault is not None:
            self.machine.stop(now, fault)

    def _follow_policy(self, now: float, reading: JointReading) -> bool:
        """Takes the targets from the policy; without a fresh image they stay as they are."""
        with self.timing.part("camera"):
            image = self.camera.read()
        fault = self.monitor.of_image(now, image, self.machine.since)
        if fault is not None:
            self.machine.stop(now, fault)
            return False
        if image is None or now - image.time > self.monitor.limits.action_age:
            return False
        with self.timing.part("policy"):
            known = Known(*reading[1:], self.hand_points, self._fabric.state, self._goal, self._last_action)
            action, object_pos = self.policy.act(known, image)
        if not np.isfinite(action).all():
            self.machine.stop(now, "action is not a number")
            return False
        self._last_action = np.clip(action, -1.0, 1.0)
        self._targets = targets(self._last_action, self.policy.config.env.max_pose_angle_deg)
        self.machine.note_grip(self._targets[2])
        if object_pos is not None:
            self._object = (image.time, object_pos)
        elif isinstance(image, DepthImage) and image.time > self._image_time:
            self._estimate_object(image)
        return True

    def _estimate_object(self, image: DepthImage) -> None:
        self._image_time, self._images = image.time, self._images + 1
        if self._images % ESTIMATE_EVERY == 1:
            with self.timing.part("object"):
                then = min(self._readings, key=lambda reading: abs(reading.time - image.time))
                object_pos = self._estimate.find(image.depth, then.pos)
            if object_pos is not None:
                self._object = (image.time, object_pos)

    def _object_if_fresh(self, now: float) -> np.ndarray | None:
        if self._object is None or now - self._object[0] > self.monitor.limits.object_age:
            return None
        return self._object[1]

    def _command(self, now: float) -> None:
        if self.machine.mode is Mode.STOPPED:
            return
        with self.timing.part("fabric"):
            self._fabric.advance(*self._targets)
        pos, vel = self._fabric.joint_targets
        fault = self.monitor.of_targets(pos)
        if fault is not None:
            self.machine.stop(now, fault)
            return
        self._heed_watchdog(now)  # it may have stopped the robot during this very step
        if self.machine.mode is Mode.STOPPED:
            return
        self._commanded = pos
        with self.timing.part("robot"):
            self.robot.command(pos, vel)

    def _heed_watchdog(self, now: float) -> None:
        if self._watchdog is not None and self._watchdog.tripped:
            self.machine.stop(now, f"watchdog: no control step for {self._watchdog.timeout:g} s")
