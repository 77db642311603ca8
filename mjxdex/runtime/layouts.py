"""How many envs fit every split of some devices, and how fast each would be: arithmetic on coefficients."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mjxdex.config import UserError
from mjxdex.runtime.coefficients import Coefficients

RESERVE = 0.04
"""Share of a device's memory that the plan leaves free: the driver's own, and gaps between JAX's arrays."""
NCCL_BYTES = 0.9e9
"""What averaging gradients over GPUs takes of each outside of JAX (two H100s, docs/performance.md)."""

Trajectory = Literal["learner", "simulator"]


class DoesNotFitError(UserError):
    """Not even the smallest number of envs fits."""


@dataclass(frozen=True)
class Layout:
    """Indices of the devices that simulate and that learn.

    Attributes:
      spec: the notation, as in `runtime.topology`.
      sims, learners: of both kinds; a device may be in both.
      trajectory: where the policy acts and the rollout grows, as in `runtime.trajectory`.
    """

    spec: str
    sims: tuple[int, ...]
    learners: tuple[int, ...]
    trajectory: Trajectory = "learner"

    @classmethod
    def parse(cls, spec: str, trajectory: Trajectory = "learner") -> "Layout":
        """The layout of a notation such as s0,1,2-l3, s0-l0 or dp0,1.

        Raises: ValueError: It is none.
        """
        match = re.fullmatch(r"s([\d,]+)-l([\d,]+)|dp([\d,]+)", spec)
        if not match:
            raise ValueError(f"{spec!r} is no layout; s0,1-l2 and dp0,1,2 are")
        sims, learners, both = match.groups()
        return cls(spec, _indices(sims or both), _indices(learners or both), trajectory)

    @property
    def acts_on_sims(self) -> bool:
        """Whether the simulators act and fill the rollout; where they are the learners it makes no odds."""
        return self.trajectory == "simulator" and self.sims != self.learners

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.spec}, rollout on s" if self.acts_on_sims else self.spec

    @property
    def devices(self) -> int:
        return len({*self.sims, *self.learners})

    @property
    def remote_share(self) -> float:
        """Share of the envs whose images travel to another device; each learner prefers its own."""
        if self.spec.startswith("dp"):
            return 0.0
        return 1 - len(set(self.sims) & set(self.learners)) / len(self.sims)

    def multiple(self, minibatches: int) -> int:
        """Env counts that split evenly: over simulators, over learners, and there into minibatches."""
        learners = len(self.learners)
        return math.lcm(len(self.sims) * learners, learners * minibatches)


def layouts(devices: int, trajectory: Trajectory = "learner") -> list[Layout]:
    """Every split of so many devices: simulators before learners, all simulating, and data-parallel."""
    if devices < 1:
        raise ValueError(f"{devices} devices; there must be at least one")
    if devices == 1:
        return [Layout.parse("s0-l0", trajectory)]
    every = [str(index) for index in range(devices)]
    specs = [
        f"s{','.join(every[:-learners])}-l{','.join(every[-learners:])}" for learners in range(1, devices)
    ]
    specs += [f"s{','.join(every)}-l{every[-1]}", f"dp{','.join(every)}"]
    return [Layout.parse(spec, trajectory) for spec in specs]


@dataclass(frozen=True)
class Need:
    """Bytes of one device.

    Attributes:
      jax: of JAX's allocator, at the peak.
      outside: of all else: contexts, kernels, Warp's memory pool.
    """

    jax: float
    outside: float

    @property
    def total(self) -> float:
        return self.jax + self.outside


def needs(layout: Layout, costs: Coefficients, num_envs: int) -> dict[int, Need]:
    """What every device of a layout needs for `num_envs` envs in all."""
    per_sim, per_learner = num_envs / len(layout.sims), num_envs / len(layout.learners)
    found = {}
    for device in sorted({*layout.sims, *layout.learners}):
        jax = outside = 0.0
        if device in layout.sims:
            jax += costs.sim_bytes.at(per_sim)
            jax += costs.acting_bytes.at(per_sim) if layout.acts_on_sims else 0.0
            outside += costs.sim_outside_bytes.at(per_sim)
        if device in layout.learners:
            acting = 0.0 if layout.acts_on_sims else costs.acting_bytes.at(per_learner)
            jax += max(acting, costs.learning_bytes.at(per_learner))
            outside = max(outside, costs.learner_outside_bytes.at(per_learner))
            outside += NCCL_BYTES if len(layout.learners) > 1 and costs.device != "cpu" else 0.0
        found[device] = Need(jax, outside)
    return found


def needed(layout: Layout, costs: Coefficients, num_envs: int) -> float:
    """Bytes that a device must have.

    JAX reserves the same share on all devices of a process. So this is the largest need inside JAX plus the
    largest outside it, even if these are of two devices.
    """
    found = needs(layout, costs, num_envs).values()
    return max(need.jax for need in found) + max(need.outside for need in found)


def fraction(layout: Layout, costs: Coefficients, num_envs: int, memory: float) -> float:
    """XLA_PYTHON_CLIENT_MEM_FRACTION for devices of `memory` bytes: 0.75, JAX's default, where that fits;
    else what leaves the rest of the devices to Warp."""
    if shortfall(layout, costs, num_envs, memory, 0.75) <= 0:
        return 0.75
    found = needs(layout, costs, num_envs).values()
    return math.floor(1000 * (1 - max(need.outside for need in found) / memory)) / 1000


def shortfall(
    layout: Layout, costs: Coefficients, num_envs: int, memory: float, share: float | None = None
) -> float:
    """Bytes by which devices of `memory` bytes are too small, negative where something is left.

    Args:
      share: of the memory that JAX reserves; None leaves it free, see `fraction`.
    """
    usable = memory * (1 - RESERVE)
    short = needed(layout, costs, num_envs) - usable
    if share is None:
        return short
    found = needs(layout, costs, num_envs).values()
    inside = max(need.jax for need in found) - usable * share
    outside = max(need.outside for need in found) - memory * (1 - share)
    return max(short, inside, outside)


def largest(
    layout: Layout, costs: Coefficients, minibatches: int, memory: float, share: float | None = None
) -> int:
    """The most envs, all devices together, that devices of `memory` bytes hold; `share` as in `shortfall`.

    Raises: DoesNotFitError: None do; the message says by how much the memory falls short.
    """
    step = layout.multiple(minibatches)
    short = shortfall(layout, costs, step, memory, share)
    if short > 0:
        raise DoesNotFitError(
            f"{layout.name} does not fit devices of {memory / 1e9:.1f} GB: already {step} envs, the fewest "
            f"that split evenly, are {short / 1e9:.1f} GB too many. Use smaller images, a shorter "
            "ppo.horizon, or another XLA_PYTHON_CLIENT_MEM_FRACTION"
        )
    fits, too_many = 1, 2
    while shortfall(layout, costs, too_many * step, memory, share) <= 0:
        fits, too_many = too_many, 2 * too_many
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if shortfall(layout, costs, middle * step, memory, share) <= 0:
            fits = middle
        else:
            too_many = middle
    return fits * step


@dataclass(frozen=True)
class Prediction:
    """A layout with its most envs.

    Attributes:
      layout: of the devices.
      num_envs: of all simulators together.
      seconds: of one training iteration.
      env_steps_per_s: of the whole run.
    """

    layout: Layout
    num_envs: int
    seconds: float
    env_steps_per_s: float

    @property
    def envs_per_sim(self) -> int:
        return self.num_envs // len(self.layout.sims)


def iteration_seconds(
    layout: Layout, costs: Coefficients, num_envs: int, horizon: int, link: float | None = None
) -> float:
    """Seconds of a rollout and its update, one after the other, as `runtime.trainer` runs them.

    Simulators run side by side, learners too. Images go to the learners per step, or per rollout where the
    simulators act, who are sent the parameters then. Per minibatch gradients go around.

    Args:
      link: bytes/s into one device; None for that of the coefficients.
    """
    link = link or costs.link_bytes_per_s
    learners = len(layout.learners)
    per_sim, per_learner = num_envs / len(layout.sims), num_envs / learners
    arriving = per_learner * layout.remote_share / link
    step = costs.step_seconds.at(per_sim)
    if layout.acts_on_sims:
        step += costs.act_seconds.at(per_sim)
        transfer = arriving * costs.rollout_bytes + costs.gradient_bytes / link
    else:
        step += costs.act_seconds.at(per_learner)
        transfer = arriving * costs.message_bytes * horizon
    averaging = costs.updates * 2 * (learners - 1) / learners * costs.gradient_bytes / link
    return horizon * step + transfer + costs.update_seconds.at(per_learner) + averaging


def predict(
    layout: Layout,
    costs: Coefficients,
    minibatches: int,
    horizon: int,
    memory: float,
    link: float | None = None,
    share: float | None = None,
) -> Prediction:
    """The most envs of a layout and their speed; arguments and errors of `largest`, `iteration_seconds`."""
    num_envs = largest(layout, costs, minibatches, memory, share)
    seconds = iteration_seconds(layout, costs, num_envs, horizon, link)
    return Prediction(layout, num_envs, seconds, num_envs * horizon / seconds)


def best(predictions: Sequence[Prediction]) -> Prediction:
    """The fastest; of equals the one with fewer envs."""
    return max(predictions, key=lambda found: (found.env_steps_per_s, -found.num_envs))


def _indices(text: str) -> tuple[int, ...]:
    return tuple(int(index) for index in text.split(","))
