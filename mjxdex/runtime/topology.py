"""Which device simulates and which learns: `s0,1,2-l3` and its kin."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import jax

from mjxdex.config import Config, ConfigError

SYNTAX = "s0,1,2-l3 (devices 0 to 2 simulate, device 3 learns), s0-l0 (device 0 does both), or auto"


@dataclass(frozen=True)
class Topology:
    """Devices by role.

    Attributes:
      sims: simulator devices, each with the same number of envs.
      learner: the device that infers the actions, holds the rollout and learns.
    """

    sims: tuple[jax.Device, ...]
    learner: jax.Device

    @property
    def spec(self) -> str:
        """The notation of these devices, such as s0,1,2-l3."""
        return f"s{','.join(str(device.id) for device in self.sims)}-l{self.learner.id}"

    @property
    def shared(self) -> bool:
        """Whether the learner's device simulates too."""
        return self.learner in self.sims


def choose(config: Config, devices: Sequence[jax.Device] | None = None) -> Topology:
    """The topology of `config.runtime.topology`; `auto` gives the last of several devices to the learner.

    Raises:
      ConfigError: a wrong notation, a device that is not there, envs that cannot be split evenly, or a
        layout that this version cannot run.
    """
    devices = jax.local_devices() if devices is None else devices
    spec = config.runtime.topology
    if spec == "auto":
        sims, learner = list(range(max(1, len(devices) - 1))), len(devices) - 1
    else:
        sims, learner = _parse(spec)
    for index in (*sims, learner):
        if index >= len(devices):
            count = len(devices)
            there = "is one device, 0" if count == 1 else f"are {count} devices, 0 to {count - 1}"
            raise ConfigError(f"runtime.topology {spec} names device {index}; there {there}")
    if config.env.num_envs % len(sims):
        step = math.lcm(len(sims), config.ppo.minibatches)
        below = config.env.num_envs // step * step
        fitting = f"{below} or {below + step}" if below else f"{step}"
        raise ConfigError(
            f"env.num_envs {config.env.num_envs} cannot be split evenly over {len(sims)} simulator devices; "
            f"use {fitting}, or another runtime.topology"
        )
    return Topology(tuple(devices[index] for index in sims), devices[learner])


def _parse(spec: str) -> tuple[list[int], int]:
    """Indices of the simulator devices and of the learner."""
    if re.fullmatch(r"dp\d+(,\d+)*", spec):
        raise ConfigError(f"runtime.topology {spec}: data-parallel training is not built yet; use {SYNTAX}")
    match = re.fullmatch(r"s(\d+(?:,\d+)*)-l(\d+(?:,\d+)*)", spec)
    if not match:
        raise ConfigError(f"runtime.topology is {spec!r}; it must look like {SYNTAX}")
    sims, learners = ([int(index) for index in group.split(",")] for group in match.groups())
    if len(set(sims)) < len(sims):
        raise ConfigError(f"runtime.topology {spec} names a simulator device twice; name each once")
    if len(learners) > 1:
        raise ConfigError(f"runtime.topology {spec}: several learners are not built yet; name one after l")
    return sims, learners[0]
