"""Devices that run learning's functions: which part of its arrays each holds, and how programs run there."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec, SingleDeviceSharding

from mjxdex.learning.blocks import WHOLE, Blocks
from mjxdex.learning.rollout import Rollout
from mjxdex.learning.state import ActingState
from mjxdex.runtime.transfers import assemble

LEARNER_AXIS = "learner"
COPIED = cast(Any, PartitionSpec())
"""The same on each device: parameters, optimizers, normalizers, metrics, the ADR level."""
SPLIT = cast(Any, PartitionSpec(LEARNER_AXIS))
"""Split over the devices along the first axis, which counts envs (or devices)."""
_SPLIT_STEPS = cast(Any, PartitionSpec(None, LEARNER_AXIS))

ACCOUNT = {
    "reset": SPLIT,
    "step": COPIED,
    "episode_return": SPLIT,
    "episode_length": SPLIT,
    "last_return": COPIED,
    "last_length": COPIED,
}
"""How `learning.state.fresh_account` is laid out."""
ACTING = ActingState(policy_carry=SPLIT, critic_carry=SPLIT, noise=SPLIT, **ACCOUNT)
"""How an ActingState is laid out."""
ROLLOUT = Rollout._make([_SPLIT_STEPS] * len(Rollout._fields))._replace(
    v_last=SPLIT, noise=SPLIT, policy_carry=SPLIT, critic_carry=SPLIT, stats=COPIED
)
"""How a Rollout is laid out."""


class LearnerMesh:
    """L devices, each with its own block of the envs. A single one runs plain jitted programs.

    Several run a program each on their own block (`jax.shard_map`), and what concerns all envs goes through
    the collectives of `learning.blocks`. The compiler does not split the programs itself, since it could not
    split the GPU kernels of the networks. The devices may belong to several processes, which then all make
    the same calls.

    Args:
      devices: The L devices, of all processes, process by process.

    Attributes:
      local: Those of this process.
      blocks: How the envs are split, for the learner's functions.
    """

    def __init__(self, devices: Sequence[jax.Device]) -> None:
        self.devices = tuple(devices)
        self.local = tuple(d for d in self.devices if d.process_index == jax.process_index())
        self.mesh = Mesh(np.asarray(self.devices), (LEARNER_AXIS,))
        self.blocks = Blocks(len(self.devices), LEARNER_AXIS) if len(self.devices) > 1 else WHOLE

    def sharding(self, layout: Any) -> Any:
        """Shardings of a layout: COPIED or SPLIT, or a tree of them."""

        def one(spec: PartitionSpec) -> jax.sharding.Sharding:
            if len(self.devices) == 1:
                return SingleDeviceSharding(self.devices[0])
            return NamedSharding(self.mesh, spec)

        return jax.tree.map(one, layout)

    def put(self, tree: Any, layout: Any) -> Any:
        """Arrays that every process has as a whole, on the devices."""
        shardings = self.sharding(layout)
        if len(self.local) == len(self.devices):
            return jax.device_put(tree, shardings)

        def place(leaf: Any, sharding: jax.sharding.Sharding) -> jax.Array:
            if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
                return jax.jit(jax.random.wrap_key_data)(place(jax.random.key_data(leaf), sharding))
            array = np.asarray(leaf)
            return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])

        return jax.tree.map(lambda s, part: jax.tree.map(lambda leaf: place(leaf, s), part), shardings, tree)

    def assemble(self, parts: Sequence[Any], layout: Any) -> Any:
        """One tree of arrays from the parts on the devices of this process, in their order; no copies."""

        def join(spec: PartitionSpec, *subtrees: Any) -> Any:
            return assemble(subtrees, self.sharding(spec), split_axis(spec))

        return jax.tree.map(join, layout, *parts)

    def program(self, function: Callable, inputs: Any, outputs: Any, donate: Sequence[int]) -> Callable:
        """Compiles a function of a device's own arrays into one of the arrays of all devices.

        Args:
          function: Uses collectives along LEARNER_AXIS if there are several devices.
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


def split_axis(spec: PartitionSpec) -> int | None:
    """The axis along which a layout's arrays are split; None for copies."""
    return spec.index(LEARNER_AXIS) if LEARNER_AXIS in spec else None
