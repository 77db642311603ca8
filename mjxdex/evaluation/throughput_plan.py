"""What the planner says of cases of `throughput_table`: which env counts split, how many fit, how fast."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mjxdex.config import AUTO, Config, ConfigError, UserError
from mjxdex.evaluation.throughput import Case, Result
from mjxdex.runtime import coefficients, gpu_memory, layouts, topology
from mjxdex.runtime.coefficients import Coefficients, Line
from mjxdex.runtime.layouts import Layout


@dataclass(frozen=True)
class Predicted:
    """What the planner predicts. None of it was measured in the case it stands beside.

    Attributes:
      iteration_ms: of a rollout and its update.
      env_steps_per_s: of the whole run.
      jax, outside: memory in JAX and besides by index of the device, MiB; None where a probe found no account
        of it, as on a CPU.
      source: where the planner's coefficients come from.
    """

    iteration_ms: float
    env_steps_per_s: float
    jax: dict[int, float | None]
    outside: dict[int, float | None]
    source: str


def predict(
    case: Case, result: Result, device: str, table: Sequence[Coefficients] | None = None
) -> Predicted | None:
    """A training case's prediction; None where the planner has none: an overlap, `auto` without a result, or
    settings whose needs were never measured.

    Args:
      device: kind of device.
      table: coefficients in place of the package's.
    """
    spec = result.layout or case.layout
    if case.kind != "training" or case.rollout == "overlap" or spec == "auto":
        return None
    config = case.load_config()
    found = coefficients.find(config, device, table)
    if found is None:
        return None
    layout, envs = _layout(spec, case), config.env.num_envs
    seconds = layouts.iteration_seconds(layout, found.costs, envs, config.ppo.horizon)
    needs = layouts.needs(layout, found.costs, envs)
    unknown = found.costs.sim_bytes == Line(0.0, 0.0)
    return Predicted(
        iteration_ms=1e3 * seconds,
        env_steps_per_s=envs * config.ppo.horizon / seconds,
        # The planner takes what it does not know for nothing.
        jax={
            index: None if unknown and index in layout.sims else need.jax / 2**20
            for index, need in needs.items()
        },
        outside={index: need.outside / 2**20 or None for index, need in needs.items()},
        source=found.source,
    )


def most_envs(
    case: Case, device: str, memory: float, table: Sequence[Coefficients] | None = None
) -> tuple[int, float]:
    """The most envs that a case's layout holds on devices of `memory` GB, and the GB of them for JAX.

    Raises: UserError: Not one fits, or nothing is known of the configuration's needs.
    """
    config = case.load_config()
    if case.layout == "auto":
        raise UserError("--memory plans for layouts: name them with --layouts, such as s0,1,2-l3")
    found = coefficients.find(config, device, table)
    if found is None:
        raise UserError(
            f"--memory: what {case.config} needs was never measured; run scripts/plan.py --config "
            f"{case.config} --probe first, or leave --memory out"
        )
    layout = _layout(case.layout, case)
    envs = layouts.largest(layout, found.costs, config.ppo.minibatches, 1e9 * memory)
    outside = max(need.outside for need in layouts.needs(layout, found.costs, envs).values())
    return envs, memory * (1 - layouts.RESERVE) - outside / 1e9


def jax_fraction(for_jax: float, memory: float) -> float:
    """XLA_PYTHON_CLIENT_MEM_FRACTION that gives JAX so many GB of this machine's first GPU.

    Raises: UserError: There is no GPU, or it has less than `memory` GB.
    """
    total = gpu_memory.total_bytes()
    if total is None:
        raise UserError(
            f"--memory {memory:g} caps the memory of GPUs, and there is none here; scripts/plan.py --memory "
            f"{memory:g} predicts without"
        )
    if total < 1e9 * memory:
        raise UserError(f"--memory is {memory:g}, but the GPUs here have {total / 1e9:.1f} GB")
    return math.floor(1e3 * for_jax * 1e9 / total) / 1e3


def check_split(config: Config, specs: Sequence[str]) -> None:
    """Refuses a number of envs that some layout cannot split, and names those that all of them can.

    Raises: ConfigError: That, or a wrong notation.
    """
    envs, minibatches = config.env.num_envs, config.ppo.minibatches
    steps = {}
    for spec in specs:
        if spec != "auto":
            sims, learners = topology.parse(spec)
            steps[spec] = topology.env_step(len(sims), len(learners), minibatches)
    refusing = [spec for spec, step in steps.items() if envs % step]
    if not refusing or envs == AUTO:
        return
    fitting = topology.nearest(envs, math.lcm(*steps.values()))
    raise ConfigError(
        f"{config.name}: {envs} envs cannot be split evenly over {' and '.join(refusing)} with {minibatches} "
        f"ppo.minibatches; use --envs {fitting}, which every layout here can"
    )


def _layout(spec: str, case: Case) -> Layout:
    return Layout.parse(spec, "learner" if case.rollout == "learner" else "simulator")
