"""Episodes of the task in the simulated cell, acted through the loop that a robot would run.

They are what `scripts/evaluate.py` plays in MJX-Warp: the robot starts from its reset pose while the object
falls onto the table, the policy acts from the first control step on, nothing goes into the bin, and an object
that is lost starts anew. What differs is the engine, and that all of the policy's inputs come over the
interfaces of a robot and a camera.
"""

import math
from typing import NamedTuple

import numpy as np

from mjxdex.deploy.loop import ControlLoop
from mjxdex.deploy.policy import Policy
from mjxdex.deploy.safety import Limits
from mjxdex.deploy.simulated import SimulatedCamera, SimulatedClock, SimulatedRobot
from mjxdex.deploy.spawn import spawn_pose
from mjxdex.deploy.state_machine import Mode, Thresholds
from mjxdex.objects import ObjectSet
from mjxdex.robot.tables import NUM_JOINTS
from mjxdex.task.places import is_lost

POLICY_ONLY = Thresholds(
    home_distance=math.inf, lifted_height=math.inf, policy_timeout=math.inf, lost_timeout=math.inf
)
"""The state machine passes on to POLICY in its first step and stays there."""
UNLIMITED = Limits(
    joint_margin=math.inf,
    velocity=(math.inf,) * NUM_JOINTS,
    tracking=math.inf,
    workspace=((-math.inf, math.inf),) * 3,
)
"""As in training: nothing that joints and hand do stops the robot."""


class Episode(NamedTuple):
    """One episode of T control steps.

    Attributes:
      object: its name.
      trial: which pass over the objects.
      success: bool [T], the object is in the goal region after the step.
      lost: bool [T], it is lost after the step; the next one starts anew.
      stops: why the robot was stopped, if `safety` found something; it stands still from then on, until the
        object is lost or the episode is over.
    """

    object: str
    trial: int
    success: np.ndarray
    lost: np.ndarray
    stops: list[str]


class Episodes:
    """Plays episodes.

    Args:
      policy: acts, at its ADR level.
      objects: the set.
      limits: of the robot.
      seed: of the places of objects.
      steps: T, length of an episode in control steps; None for that of training.
    """

    def __init__(
        self,
        policy: Policy,
        objects: ObjectSet,
        *,
        limits: Limits = UNLIMITED,
        seed: int = 0,
        steps: int | None = None,
    ) -> None:
        config = self._config = policy.config
        self._level, self._objects, self._seed = policy.adr_level, objects, seed
        self.robot = SimulatedRobot(config, objects)
        self.clock = SimulatedClock(self.robot)
        camera = SimulatedCamera(self.robot, config)
        self.loop = ControlLoop(self.robot, camera, self.clock, policy, thresholds=POLICY_ONLY, limits=limits)
        self._steps = steps or round(config.env.episode_length_s / self.loop.period)

    def play(self, object_id: int, trial: int) -> Episode:
        """One episode with an object."""
        env, rng = self._config.env, np.random.default_rng((self._seed, trial, object_id))
        first = len(self.loop.machine.events)
        success, lost = np.zeros((2, self._steps), bool)
        self._start(object_id, rng)
        for t in range(self._steps):
            self.loop.run(lambda step: True)
            self.clock.sleep_until(self.clock.now() + self.loop.period)
            object_pos = self.robot.object_pos
            success[t] = np.linalg.norm(object_pos - env.goal_pos) < env.success_radius
            lost[t] = is_lost(object_pos)
            if lost[t]:
                self._start(object_id, rng)
        events = self.loop.machine.events[first:]
        stops = [event.reason for event in events if event.mode is Mode.STOPPED]
        return Episode(self._objects.names[object_id], trial, success, lost, stops)

    def _start(self, object_id: int, rng: np.random.Generator) -> None:
        self.robot.reset()
        self.robot.place(object_id, *spawn_pose(self._config.adr, self._level, rng))
        self.loop.resume()
