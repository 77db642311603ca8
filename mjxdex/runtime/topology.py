"""Which devices simulate and which learn: `s0,1,2-l3`, `dp0,1` and their kin."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import jax

from mjxdex.config import Config, ConfigError

SYNTAX = (
    "s0,1,2-l3 (devices 0 to 2 simulate, device 3 learns), s0-l1,2 (two learners), s0-l0 (one device does "
    "both), dp0,1 (data parallel: each simulates and learns its own envs), or auto"
)


@dataclass(frozen=True)
class Topology:
    """Devices by role, of this machine; where there are several machines, all have the same.

    Attributes:
      sims: simulator devices, each with the same number of envs.
      learners: devices that infer the actions, hold the rollout and learn, each for the same number of envs.
        Where they are the simulators, in the same order, each has its own envs: data parallel.
    """

    sims: tuple[jax.Device, ...]
    learners: tuple[jax.Device, ...]

    @property
    def spec(self) -> str:
        """The notation of these devices, such as s0,1,2-l3."""
        roles = (self.sims, self.learners)
        sims, learners = (",".join(str(device.local_hardware_id) for device in role) for role in roles)
        if self.sims == self.learners and len(self.sims) > 1:
            return f"dp{sims}"
        return f"s{sims}-l{learners}"

    @property
    def shared(self) -> bool:
        """Whether some device simulates and learns."""
        return bool({*self.sims} & {*self.learners})


def everywhere(devices: Sequence[jax.Device]) -> tuple[jax.Device, ...]:
    """Some devices of this machine and those in the same places on all others, machine by machine."""
    here = jax.local_devices()
    places = [here.index(device) for device in devices]
    machines = [jax.local_devices(process_index=index) for index in range(jax.process_count())]
    return tuple(machine[place] for machine in machines for place in places)


def choose(config: Config, devices: Sequence[jax.Device] | None = None) -> Topology:
    """The topology of `config.runtime.topology`; `auto` gives the last of several devices to the learner.

    Raises:
      ConfigError: a wrong notation, a device that is not there, envs that cannot be split evenly, or a role
        that other settings don't allow.
    """
    devices = jax.local_devices() if devices is None else devices
    spec = config.runtime.topology
    if spec == "auto":
        sims, learners = list(range(max(1, len(devices) - 1))), [len(devices) - 1]
    else:
        sims, learners = parse(spec)
    for index in (*sims, *learners):
        if index >= len(devices):
            count = len(devices)
            there = "is one device, 0" if count == 1 else f"are {count} devices, 0 to {count - 1}"
            raise ConfigError(f"runtime.topology {spec} names device {index}; there {there}")
    if config.runtime.overlap and {*sims} & {*learners}:
        raise ConfigError(
            f"runtime.overlap needs simulators that do not learn, but runtime.topology {spec} shares device "
            f"{min({*sims} & {*learners})}; leave it off, or use a split such as s0-l1"
        )
    machines = jax.process_count()
    _check_split(config, machines * len(sims), machines * len(learners))
    return Topology(tuple(devices[i] for i in sims), tuple(devices[i] for i in learners))


def _check_split(config: Config, sims: int, learners: int) -> None:
    """Refuses a number of envs that shards, learners or their minibatches cannot share evenly."""
    num_envs, minibatches = config.env.num_envs, config.ppo.minibatches
    step = env_step(sims, learners, minibatches)
    if num_envs % step == 0:
        return
    over = f"{sims} simulator devices"
    if num_envs % sims == 0:
        over = f"{learners} learners with {minibatches} ppo.minibatches each"
    raise ConfigError(
        f"env.num_envs {num_envs} cannot be split evenly over {over}; use {nearest(num_envs, step)}, or "
        "another runtime.topology"
    )


def env_step(sims: int, learners: int, minibatches: int) -> int:
    """Its multiples are the env counts that simulators, learners and their minibatches share evenly."""
    return math.lcm(sims, learners * minibatches)


def nearest(num_envs: int, step: int) -> str:
    """The multiples of `step` around a number of envs, for messages."""
    below = num_envs // step * step
    return f"{below} or {below + step}" if below else f"{step}"


def parse(spec: str) -> tuple[list[int], list[int]]:
    """Indices of the simulator devices and of the learners. Raises ConfigError for another notation."""
    match = re.fullmatch(r"s(\d+(?:,\d+)*)-l(\d+(?:,\d+)*)|dp(\d+(?:,\d+)*)", spec)
    if re.fullmatch(r"dp[\d,]+-.*", spec):
        raise ConfigError(
            f"runtime.topology {spec}: data-parallel devices all simulate and learn, so dp stands alone; "
            f"it must look like {SYNTAX}"
        )
    if not match:
        raise ConfigError(f"runtime.topology is {spec!r}; it must look like {SYNTAX}")
    sims, learners = (
        [int(index) for index in group.split(",")] for group in (match[1] or match[3], match[2] or match[3])
    )
    for role, indices in (("simulator", sims), ("learner", learners)):
        if len(set(indices)) < len(indices):
            raise ConfigError(f"runtime.topology {spec} names a {role} device twice; name each once")
    return sims, learners
