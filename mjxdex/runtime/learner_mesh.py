"""The learner devices: which part of learning's arrays each holds, and how its functions run there."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec, SingleDeviceSharding

from mjxdex.learning.blocks import WHOLE, Blocks
from mjxdex.learning.rollout import Rollout
from mjxdex.learning.state import ActingState

LEARNER_AXIS = "learner"
COPIED = cast(Any, PartitionSpec())
"""The same on each learner: parameters, optimizers, normalizers, metrics, the ADR level."""
SPLIT = cast(Any, PartitionSpec(LEARNER_AXIS))
"""Split over the learners along the first axis, which counts envs (or learners)."""
_SPLIT_STEPS = cast(Any, PartitionSpec(None, LEARNER_AXIS))

ACTING = ActingState(
    policy_carry=SPLIT,
    critic_carry=SPLIT,
    reset=SPLIT,
    step=COPIED,
    episode_return=SPLIT,
    episode_length=SPLIT,
    last_return=COPIED,
    last_length=COPIED,
)
"""How an ActingState is laid out."""
ROLLOUT = Rollout._make([_SPLIT_STEPS] * len(Rollout._fields))._replace(
    policy_carry=SPLIT, critic_carry=SPLIT, stats=COPIED
)
"""How a Rollout is laid out."""


class LearnerMesh:
    """L learners, each with its own block of the envs. A single one runs plain jitted programs.

    Several run a program each on their own block (`jax.shard_map`), and what concerns all envs goes through
    the collectives of `learning.blocks`. The compiler does not split the programs itself, since it could not
    split the GPU kernels of the networks.

    Args:
      devices: The L devices.

    Attributes:
      blocks: How the envs are split, for the learner's functions.
    """

    def __init__(self, devices: Sequence[jax.Device]) -> None:
        self.devices = tuple(devices)
        self.mesh = Mesh(np.asarray(self.devices), (LEARNER_AXIS,))
        self.blocks = Blocks(len(self.devices), LEARNER_AXIS) if len(self.devices) > 1 else WHOLE

    def sharding(self, layout: Any) -> Any:
        """Shardings of a layout: COPIED or SPLIT, or a tree of them."""

        def one(spec: PartitionSpec) -> jax.sharding.Sharding:
            if len(self.devices) == 1:
                return SingleDeviceSharding(self.devices[0])
            return NamedSharding(self.mesh, spec)

        return jax.tree.map(one, layout)

    def program(self, function: Callable, inputs: Any, outputs: Any, donate: Sequence[int]) -> Callable:
        """Compiles a function of a learner's own arrays into one of the arrays of all learners.

        Args:
          function: Uses collectives along LEARNER_AXIS if there are several learners.
          inputs, outputs: Layouts of the arguments and results.
          donate: Indices of the arguments whose memory may be used again.
        """
        if len(self.devices) > 1:
            # Without check_vma=False the custom gradients of networks.norm_relu are refused, and gradients of
            # copied parameters come summed over the learners.
            function = jax.shard_map(
                function, mesh=self.mesh, in_specs=inputs, out_specs=outputs, check_vma=False
            )
        return jax.jit(function, donate_argnums=tuple(donate))
