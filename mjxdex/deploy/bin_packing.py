"""The paper's bin packing, simulated: objects one after another from the table into the bin.

The protocol is the paper's: a policy grasps, a state machine deposits, and the share of objects
that end in the bin counts. Here the cell is simulated by MuJoCo C, an object is alone on the table, each gets
one attempt, and the bin is emptied every time.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mjxdex.config import Config
from mjxdex.deploy import cell
from mjxdex.deploy.loop import ControlLoop, Step
from mjxdex.deploy.real_time import RealTimeCamera, RealTimeCell
from mjxdex.deploy.simulated import Faults, SimulatedCamera, SimulatedRobot
from mjxdex.deploy.spawn import spawn_pose
from mjxdex.deploy.state_machine import Mode
from mjxdex.scene import TABLE_TOP

DROP_HEIGHT = 0.15
"""Objects are let go this far above the table's top, metres."""
SETTLE_S = 1.0
"""From there until the policy may start, s: the object comes to rest."""
FALL_S = 1.0
"""From the opened hand until the bin is looked into, s."""


class Conditions(NamedTuple):
    """What makes the simulated camera worse than a perfect one.

    Attributes:
      latency, jitter: s; see `simulated.Faults`.
      dropped: share of images that never arrive.
      camera_angle: half range of each Euler angle's error, rad; drawn for each object.
      camera_distance: half range of each coordinate's error, metres; drawn for each object.
    """

    latency: float = 0.0
    jitter: float = 0.0
    dropped: float = 0.0
    camera_angle: float = 0.0
    camera_distance: float = 0.0


class Attempt(NamedTuple):
    """One object's turn.

    Attributes:
      object: its name.
      trial: which pass over the objects.
      success: it ended in the bin.
      reason: "in the bin", or why not: "time-out", "lost", "dropped", or what stopped the robot.
      grasp_s: from the start of the policy until the object counted as lifted, s; None if it never did.
      cycle_s: from the start of the policy until the next object could come, s.
    """

    object: str
    trial: int
    success: bool
    reason: str
    grasp_s: float | None
    cycle_s: float


class BinPacking:
    """A session in a simulated cell.

    Args:
      loop: on `robot` and `camera`.
      robot, camera: the cell.
      config: of the policy's training.
      conditions: of the camera.
      spawn_level: ADR level whose widths of place and rotation objects are put down with; 0 for the middle.
      seed: of places, rotations and camera faults.
      watch: called with every control step.
    """

    def __init__(
        self,
        loop: ControlLoop,
        robot: SimulatedRobot | RealTimeCell,
        camera: SimulatedCamera | RealTimeCamera,
        config: Config,
        *,
        conditions: Conditions,
        spawn_level: int,
        seed: int = 0,
        watch: Callable[[Step], None] = lambda step: None,
    ) -> None:
        self.loop, self.robot, self._camera, self._config = loop, robot, camera, config
        self._conditions, self._spawn_level, self._seed, self._watch = conditions, spawn_level, seed, watch

    def attempt(self, object_id: int, trial: int) -> Attempt:
        """Puts an object on the table, lets the robot try, and judges."""
        name = self.robot.objects.names[object_id]
        rng = np.random.default_rng((self._seed, trial, object_id))
        loop, machine, first = self.loop, self.loop.machine, len(self.loop.machine.events)
        machine.engaged = False
        self._wait(lambda step: self._is_home())
        if machine.mode is not Mode.STOPPED:
            self._place(object_id, rng)
            ready = loop.clock.now() + SETTLE_S
            self._wait(lambda step: step.time >= ready)
        start = loop.clock.now()
        machine.engaged = True
        self._wait(lambda step: step.mode is Mode.POLICY)
        machine.engaged = False
        self._wait(lambda step: step.mode is Mode.HOME)
        over = loop.clock.now()
        self._wait(lambda step: step.time >= over + FALL_S and self._is_home())

        events = machine.events[first:]
        lifted = [event.time - start for event in events if event.mode is Mode.BOX_CLOSED]
        stops = [event.reason for event in events if event.mode is Mode.STOPPED]
        success = not stops and cell.is_in_bin(self.robot.object_pos)
        last = stops[0] if stops else events[-1].reason
        reason = "in the bin" if success else "dropped" if last == "released" else last
        cycle_s = loop.clock.now() - start
        if stops:
            self._recover()
        return Attempt(name, trial, success, reason, lifted[0] if lifted else None, cycle_s)

    def _wait(self, until: Callable[[Step], bool]) -> None:
        """Goes on until `until` says so, or the robot was stopped."""

        def watched(step: Step) -> bool:
            self._watch(step)
            return step.mode is Mode.STOPPED or until(step)

        self.loop.run(watched)

    def _is_home(self) -> bool:
        palm = self.loop.hand_points[0]
        machine = self.loop.machine
        away = np.linalg.norm(palm - machine.poses.home_palm[:3])
        return machine.mode is Mode.HOME and bool(away < machine.thresholds.home_distance)

    def _place(self, object_id: int, rng: np.random.Generator) -> None:
        pose = spawn_pose(self._config.adr, self._spawn_level, rng)
        self.robot.place(object_id, (*pose.pos[:2], TABLE_TOP + DROP_HEIGHT), pose.quat)
        angle, distance = self._conditions.camera_angle, self._conditions.camera_distance
        faults = Faults(
            latency=self._conditions.latency,
            jitter=self._conditions.jitter,
            dropped=self._conditions.dropped,
            euler_error=tuple(rng.uniform(-angle, angle, 3)),
            pos_error=tuple(rng.uniform(-distance, distance, 3)),
        )
        self._camera.configure(faults, int(rng.integers(2**31)))

    def _recover(self) -> None:
        """An operator clears the cell: the robot starts anew from its reset pose."""
        self.robot.reset()
        self.loop.resume()
