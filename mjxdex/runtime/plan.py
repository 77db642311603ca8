"""What a run will occupy, shown before it starts."""

import math
import os
from dataclasses import dataclass
from typing import Any

import jax
from rich.console import Group
from rich.table import Table

from mjxdex.config import Config
from mjxdex.runtime.topology import Topology
from mjxdex.runtime.trained import make_learner

GIB = 2**30
SIM_BYTES_FIXED = 0.3e9
"""A simulator without envs: contexts, kernels, scene. A rounded-up guess."""
SIM_BYTES_PER_ENV = 0.31e6
"""Physics of one env with the default contact budget. Measured with a smaller scene on one H100."""
SIM_BYTES_PER_PIXEL = 6.0
"""Rays, depth and its 16-bit copy. With the physics of an env 0.43 MB at 160x120, as measured."""
MADRONA_BYTES_FIXED = 5.8e9
"""Madrona without envs, of which 4 GiB are its device heap. Measured on one H100, as are the next two."""
MADRONA_BYTES_PER_ENV = 0.25e6
MADRONA_BYTES_PER_PIXEL = 16.0
SLOW_ON_CPU = 256
"""More envs than this are a run for a GPU."""


@dataclass(frozen=True)
class Memory:
    """Bytes that the learner needs, by purpose.

    Attributes:
      rollout: the experience buffer; exact.
      networks: parameters, gradients and Adam's moments of both networks; exact.
      update: activations and gathered sequences of one minibatch; an estimate.
    """

    rollout: int
    networks: int
    update: int

    @property
    def total(self) -> int:
        return self.rollout + self.networks + self.update


def learner_memory(config: Config) -> Memory:
    """The learner's memory, from the shapes of what it holds."""
    learner = make_learner(config)
    rollout = jax.eval_shape(lambda: learner.empty_rollout(config.env.num_envs))
    state, _ = jax.eval_shape(lambda: learner.init(jax.random.key(0), config.env.num_envs))
    gradients = (state.policy, state.critic)
    sequences = tree_bytes(rollout) // config.ppo.minibatches
    return Memory(
        rollout=tree_bytes(rollout),
        networks=tree_bytes(state) + tree_bytes(gradients),
        update=sequences + activation_bytes(config),
    )


def simulator_bytes(config: Config, topology: Topology) -> int:
    """Estimate of what the envs of one simulator device take, most of it outside JAX's own share."""
    pixels = config.camera.width * config.camera.height if config.observation.depth else 0
    fixed, per_env = SIM_BYTES_FIXED, SIM_BYTES_PER_ENV + SIM_BYTES_PER_PIXEL * pixels
    if pixels and config.render.backend == "madrona":
        fixed += MADRONA_BYTES_FIXED
        per_env += MADRONA_BYTES_PER_ENV + MADRONA_BYTES_PER_PIXEL * pixels
    return round(fixed + per_env * config.env.num_envs / len(topology.sims))


def table(config: Config, topology: Topology) -> Group:
    """Devices, roles, envs, budgets and expected memory, with warnings below; for rich to print."""
    envs = config.env.num_envs // len(topology.sims)
    camera, physics, ppo = config.camera, config.physics, config.ppo
    view = f"{camera.width}x{camera.height} depth" if config.observation.depth else "no camera"
    room = f"{envs * physics.contacts_per_env:,} contacts, {physics.constraints_per_env} constraints per env"
    simulator = (
        "simulator",
        f"{envs} envs, {view}\nroom for {room}",
        _size(simulator_bytes(config, topology)),
    )

    memory = learner_memory(config)
    samples = f"{config.env.num_envs * ppo.horizon:,} samples per iteration"
    parts = (
        f"rollout {_size(memory.rollout)}\nnetworks {_size(memory.networks)}\nupdate ~{_size(memory.update)}"
    )
    work = f"{samples}\n{ppo.epochs} epochs of {ppo.minibatches} minibatches"
    learner = ("learner", work, f"{_size(memory.total)}\n{parts}")

    grid = Table(title=f"{config.name} on {topology.spec}, {config.env.num_envs} envs", title_justify="left")
    for heading in ("device", "role", "work", "expected memory"):
        grid.add_column(heading)
    for device in topology.sims:
        grid.add_row(_name(device), *simulator)
    grid.add_row(_name(topology.learner), *learner)
    return Group(grid, *warnings(config, topology))


def warnings(config: Config, topology: Topology) -> list[str]:
    """One line for each thing that is likely to go wrong."""
    devices = {*topology.sims, topology.learner}
    if all(device.platform == "cpu" for device in devices):
        if config.env.num_envs <= SLOW_ON_CPU:
            return []
        return [
            f"notice: no GPU found, so {config.env.num_envs} envs run on the CPU, hundreds of times slower; "
            "a CPU is meant for --config smoke, and scripts/doctor.py says what a GPU needs"
        ]
    lines = []
    memory, simulator = learner_memory(config), simulator_bytes(config, topology)
    for device in sorted(devices, key=lambda device: device.id):
        stats = device.memory_stats() or {}
        if "bytes_limit" not in stats:
            continue
        share = float(os.environ.get("XLA_PYTHON_CLIENT_MEM_FRACTION", 0.75))
        for_jax, for_warp = stats["bytes_limit"], stats["bytes_limit"] / share * (1 - share)
        if device == topology.learner and memory.total > for_jax:
            lines.append(
                f"warning: the learner needs about {_size(memory.total)}, and JAX has {_size(for_jax)} of "
                f"{_name(device)}: lower env.num_envs or raise ppo.minibatches"
            )
        if device in topology.sims and simulator > for_warp:
            lines.append(
                f"warning: the simulator needs about {_size(simulator)}, and JAX leaves {_size(for_warp)} of "
                f"{_name(device)}: lower env.num_envs, or set XLA_PYTHON_CLIENT_MEM_FRACTION below {share}"
            )
    return lines


def activation_bytes(config: Config) -> int:
    """Estimate of what one minibatch keeps for its backward pass."""
    samples = config.env.num_envs * config.ppo.horizon // config.ppo.minibatches
    network = config.network
    width = 2 if network.compute_dtype == "bfloat16" else 4
    per_sample = 0
    if config.observation.depth:
        height, breadth = config.camera.height, config.camera.width
        for kernel, filters in zip(network.cnn_kernels, network.cnn_filters, strict=True):
            height, breadth = (height - kernel) // 2 + 1, (breadth - kernel) // 2 + 1
            per_sample += 2 * height * breadth * filters * width  # the output, and its recomputed successor
    lstm_units = network.lstm_layers * network.lstm_units + network.critic_lstm_units
    per_sample += 4 * 12 * lstm_units  # four gates, their inputs, cell and hidden state, in float32
    per_sample += 4 * 2 * (sum(network.mlp) + sum(network.critic_mlp))
    return samples * per_sample


def tree_bytes(tree: Any) -> int:
    """Size of all arrays of a tree (or of their ShapeDtypeStruct)."""
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _name(device: jax.Device) -> str:
    return f"{device.id} {device.device_kind}"


def _size(count: float) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB / 10 else f"{count / 2**20:.0f} MiB"
