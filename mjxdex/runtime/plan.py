"""What a run will occupy, shown before it starts, and how many envs it takes where that is left to it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import jax
from rich.console import Group
from rich.table import Table

from mjxdex.config import AUTO, Config, ConfigError
from mjxdex.runtime import coefficients, layouts, topology
from mjxdex.runtime.coefficients import Coefficients, Found
from mjxdex.runtime.layouts import Layout, Prediction
from mjxdex.runtime.probe import tree_bytes, with_envs
from mjxdex.runtime.topology import Topology
from mjxdex.runtime.trained import make_learner

GIB = 2**30
SLOW_ON_CPU = 256
"""More envs than this are a run for a GPU."""
DEFAULT_FRACTION = 0.75
"""What JAX reserves of a GPU unless told otherwise."""


@dataclass(frozen=True)
class Memory:
    """Bytes that shapes tell of one learner, by purpose.

    Attributes:
      rollout: the experience buffer.
      networks: parameters, gradients and Adam's moments of both networks.
    """

    rollout: int
    networks: int

    @property
    def total(self) -> int:
        return self.rollout + self.networks


def learner_memory(config: Config, num_envs: int) -> Memory:
    """What a learner of `num_envs` envs holds at least; activations come on top."""
    learner = make_learner(config)
    rollout = jax.eval_shape(lambda: learner.empty_rollout(num_envs))
    state, _ = jax.eval_shape(lambda: learner.init(jax.random.key(0), num_envs))
    return Memory(tree_bytes(rollout), tree_bytes(state) + tree_bytes((state.policy, state.critic)))


def settle(
    config: Config, devices: Sequence[jax.Device] | None = None, table: Sequence[Coefficients] | None = None
) -> tuple[Config, str | None]:
    """Replaces `env.num_envs: auto` by the most envs that fit the devices.

    A `runtime.topology` of auto is settled with it: the layout with the highest predicted throughput.

    Args:
      devices: at hand; None for JAX's.
      table: coefficients in place of the package's.

    Returns: The configuration, and what was chosen and why; None if there was nothing to choose.
    Raises: ConfigError: Nothing is known of this configuration's needs, or of the devices' memory.
    """
    if config.env.num_envs != AUTO:
        return config, None
    devices = jax.local_devices() if devices is None else devices
    kind = devices[0].device_kind
    found = coefficients.find(config, kind, table)
    if found is None:
        raise ConfigError(
            f"env.num_envs is auto, but what an env of {config.name} needs was never measured; run "
            f"scripts/plan.py --config {config.name} --probe with the same settings, or name a number"
        )
    sizes = [size for device in devices if (size := device_memory(device))]
    if len(sizes) < len(devices):
        raise ConfigError(
            f"env.num_envs is auto, but {kind} does not say how much memory it has; name a number"
        )
    if config.runtime.topology == "auto":
        choices = layouts.layouts(len(devices), config.runtime.trajectory)
    else:
        # Any number that every layout can split: only the devices matter here.
        splittable = with_envs(config, config.ppo.minibatches * 27720)
        spec = topology.choose(splittable, devices).spec
        choices = [Layout.parse(spec, config.runtime.trajectory)]
    share = jax_share()
    predictions, refused = predictions_of(config, found, choices, min(sizes), share=share)
    if not predictions:
        raise ConfigError(str(refused[0]))
    chosen = layouts.best(predictions)
    settled = with_envs(config, chosen.num_envs, **{"runtime.topology": chosen.layout.spec})
    why = (
        f"env.num_envs auto: {chosen.num_envs} envs on {chosen.layout.spec}, the most that fit "
        f"{min(sizes) / 1e9:.0f} GB devices of which JAX reserves {share:.0%}; "
        f"{chosen.env_steps_per_s:,.0f} env steps/s expected ({found.source})"
    )
    return settled, why


def predictions_of(
    config: Config,
    found: Found,
    choices: Sequence[Layout],
    memory: float,
    link: float | None = None,
    share: float | None = None,
) -> tuple[list[Prediction], list[layouts.DoesNotFitError]]:
    """The most envs and the speed of every layout that fits, and the refusals of those that do not.

    Args:
      memory: bytes of each device.
      link, share: as in `layouts.predict`.
    """
    fitting, refused = [], []
    for layout in choices:
        try:
            ppo = config.ppo
            fitting.append(
                layouts.predict(layout, found.costs, ppo.minibatches, ppo.horizon, memory, link, share)
            )
        except layouts.DoesNotFitError as error:
            refused.append(error)
    return fitting, refused


def jax_share() -> float:
    """Share of a GPU's memory that JAX reserves in this process."""
    return float(os.environ.get("XLA_PYTHON_CLIENT_MEM_FRACTION", DEFAULT_FRACTION))


def device_memory(device: jax.Device) -> float | None:
    """Bytes of a device; None if it does not say, as a CPU."""
    stats = device.memory_stats() or {}
    return stats["bytes_limit"] / jax_share() if "bytes_limit" in stats else None


def table(config: Config, split: Topology, known: Sequence[Coefficients] | None = None) -> Group:
    """Devices, roles, envs, budgets and expected memory, with warnings below; for rich to print.

    Args:
      known: coefficients in place of the package's.
    """
    num_envs, learners = config.env.num_envs, split.learners
    machines = jax.process_count()
    envs, learned = num_envs // (machines * len(split.sims)), num_envs // (machines * len(learners))
    camera, physics, ppo = config.camera, config.physics, config.ppo
    view = f"{camera.width}x{camera.height} depth" if config.observation.depth else "no camera"
    room = f"{envs * physics.contacts_per_env:,} contacts, {physics.constraints_per_env} constraints per env"
    found = coefficients.find(config, split.sims[0].device_kind, known)
    costs = found.costs if found else None

    layout = _layout(config, split)
    expected = "not measured"
    if costs:
        inside, outside = costs.sim_bytes.at(envs), costs.sim_outside_bytes.at(envs)
        inside += costs.acting_bytes.at(envs) if layout.acts_on_sims else 0.0
        expected = f"{size_text(inside)} in JAX\n{size_text(outside)} outside"
    acts = "\nacts, holds the rollout" if layout.acts_on_sims else ""
    simulator = ("simulator", f"{envs} envs, {view}\nroom for {room}{acts}", expected)

    memory = learner_memory(config, learned)
    parts = f"rollout {size_text(memory.rollout)}\nnetworks {size_text(memory.networks)}\nactivations "
    if costs:
        total = costs.learning_bytes.at(learned)
        expected = f"{size_text(total)} in JAX\n{parts}{size_text(max(total - memory.total, 0))}"
    else:
        expected = f"{parts}not measured"
    samples = f"{learned * ppo.horizon:,} samples per iteration"
    learner = ("learner", f"{samples}\n{ppo.epochs} epochs of {ppo.minibatches} minibatches", expected)

    grid = Table(title=f"{config.name} on {split.spec}, {num_envs} envs", title_justify="left")
    for heading in ("device", "role", "work", "expected memory"):
        grid.add_column(heading)
    for device in split.sims:
        grid.add_row(device_text(device), *simulator)
    for device in learners:
        grid.add_row(device_text(device), *learner)
    return Group(grid, *warnings(config, split, known))


def warnings(config: Config, split: Topology, known: Sequence[Coefficients] | None = None) -> list[str]:
    """One line for each thing that is likely to go wrong."""
    learners = split.learners
    devices = sorted({*split.sims, *learners}, key=lambda device: device.id)
    if all(device.platform == "cpu" for device in devices):
        if config.env.num_envs <= SLOW_ON_CPU:
            return []
        return [
            f"notice: no GPU found, so {config.env.num_envs} envs run on the CPU, hundreds of times slower; "
            "a CPU is meant for --config smoke, and scripts/doctor.py says what a GPU needs"
        ]
    found = coefficients.find(config, devices[0].device_kind, known)
    if found is None:
        return [
            "notice: what these settings need was never measured on this kind of device; "
            f"scripts/plan.py --config {config.name} --probe does"
        ]
    layout = _layout(config, split)
    share = jax_share()
    num_envs = config.env.num_envs // jax.process_count()
    needs, lines = layouts.needs(layout, found.costs, num_envs), []
    for device in devices:
        memory = device_memory(device)
        if memory is None:
            continue
        need, for_jax = needs[device.id], memory * share
        advice = "lower env.num_envs or raise ppo.minibatches"
        if layouts.needed(layout, found.costs, num_envs) <= memory * (1 - layouts.RESERVE):
            advice = (
                "set XLA_PYTHON_CLIENT_MEM_FRACTION="
                f"{layouts.fraction(layout, found.costs, num_envs, memory)}"
            )
        for need_of, room, whose in (
            (need.jax, for_jax, "JAX has"),
            (need.outside, memory - for_jax, "JAX leaves"),
        ):
            if need_of > room:
                where = "in JAX" if whose == "JAX has" else "outside JAX"
                lines.append(
                    f"warning: device {device_text(device)} needs about {size_text(need_of)} {where}, and "
                    f"{whose} {size_text(room)}: {advice}"
                )
    return lines


def _layout(config: Config, split: Topology) -> Layout:
    sims, learners = (tuple(device.id for device in role) for role in (split.sims, split.learners))
    return Layout(split.spec, sims, learners, config.runtime.trajectory)


def device_text(device: jax.Device) -> str:
    return f"{device.id} {device.device_kind}"


def size_text(count: float) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB / 10 else f"{count / 2**20:.0f} MiB"
