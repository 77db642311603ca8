"""A hand-written grasp behind the interface of a policy: it moves the whole machinery without any training.

It is open loop, so the object has to stand where the grasp was found: below `task.places.SPAWN_CENTRE`.
"""

import numpy as np

from mjxdex.config import Config
from mjxdex.deploy.interfaces import Image
from mjxdex.deploy.observations import Known
from mjxdex.deploy.policy import PolicyOutput
from mjxdex.evaluation import scripted


class ScriptedPolicy:
    """Plays the grasp of an object, then holds still.

    Args:
      name: object with a grasp in `evaluation/grasps.yaml`.
      config: of the task that it was found for.
    """

    def __init__(self, name: str, config: Config | None = None) -> None:
        self.config, self.adr_level = config or Config(), 0
        self._actions = scripted.actions(name)
        self.reset()

    def choose(self, name: str) -> None:
        """Takes the grasp of another object from the next `reset` on."""
        self._actions = scripted.actions(name)

    def reset(self) -> None:
        self._step = 0

    def act(self, known: Known, image: Image) -> PolicyOutput:
        action = self._actions[min(self._step, len(self._actions) - 1)]
        self._step += 1
        return PolicyOutput(action.astype(np.float64), None)
