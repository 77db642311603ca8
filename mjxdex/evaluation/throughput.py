"""Measures one case of `throughput_table` in a process of its own.

    python -m mjxdex.evaluation.throughput CASE

CASE is a Case as JSON; it tells a Result.
"""

import json
import sys
import time
from dataclasses import dataclass, replace
from typing import Literal

import jax
import numpy as np

from mjxdex import config_files
from mjxdex.config import Config, UserError
from mjxdex.evaluation import processes
from mjxdex.runtime import topology
from mjxdex.runtime.phases import PHASES_OF_ROLES, Phases
from mjxdex.runtime.topology import Topology
from mjxdex.runtime.trained import make_learner

Kind = Literal["training", "bare", "torch steps", "torch cudnn"]
Rollout = Literal["learner", "simulator", "overlap"]
TIMED = 3
"""Iterations whose phases are waited for one by one."""


@dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes:
      kind: whole training; physics and images alone; or the update written in PyTorch (`torch_peer`), with
        either way of running its LSTMs.
      config: name or file of a configuration.
      layout: of `runtime.topology`; training only.
      rollout: `runtime.trajectory`; overlap is simulator with `runtime.overlap`. Training only.
      envs: in total; None for the config's number.
      level: ADR level.
      iterations: that count, after those that compile.
      memory: GB of each device that are used at most; None for what there is.
    """

    kind: Kind
    config: str
    layout: str
    rollout: Rollout
    envs: int | None
    level: int
    iterations: int
    memory: float | None = None

    def load_config(self) -> Config:
        """Raises ConfigError if the config does not exist or the case does not fit it."""
        envs = {} if self.envs is None else {"env.num_envs": self.envs}
        settings = {
            "adr.start_level": self.level,
            "runtime.topology": self.layout,
            "runtime.trajectory": "learner" if self.rollout == "learner" else "simulator",
            "runtime.overlap": self.rollout == "overlap",
        }
        return config_files.load(self.config, settings | envs)


@dataclass(frozen=True)
class Use:
    """What a device does and holds.

    Attributes:
      device: its index.
      roles: "simulator", "learner" or both, joined by "+".
      idle: share of an iteration in which none of its phases runs, these timed one by one.
      xla_peak, xla_limit: most memory that JAX's arrays had at once, and their limit, MiB; None on CPUs.
      outside: memory that the process took on it besides JAX's pool: contexts, Warp, other libraries, MiB.
    """

    device: int
    roles: str
    idle: float
    xla_peak: float | None
    xla_limit: float | None
    outside: float | None


@dataclass(frozen=True)
class Result:
    """What was measured, or why it could not be. Medians.

    Attributes:
      device: kind of device.
      layout: that `auto` became; training only.
      envs, width, height: of the case.
      iteration_ms: of a rollout and its update, without waits in between.
      env_steps_per_s: simulated, and learned from where there is a learner.
      samples_per_s: env steps that the update goes through forward and backward, each epoch counted.
      phases: ms per iteration by phase, each waited for.
      uses: by device.
      torch_peak: most memory of PyTorch's tensors at once, MiB.
      error: None, or why there are no numbers.
    """

    device: str | None = None
    envs: int | None = None
    width: int | None = None
    height: int | None = None
    iteration_ms: float | None = None
    env_steps_per_s: float | None = None
    samples_per_s: float | None = None
    phases: dict[str, float] | None = None
    uses: list[Use] | None = None
    torch_peak: float | None = None
    error: str | None = None
    layout: str | None = None


def measure(case: Case, used_before: list[int] | None) -> Result:
    """Measures a case.

    Args:
      case: what is measured.
      used_before: memory of each GPU in use before the process used any, MiB; None without GPUs.

    Raises:
      UserError: the case fits neither the devices nor what is installed.
    """
    config = case.load_config()
    result = _MEASURES[case.kind](case, config, used_before)
    camera = config.camera
    return replace(result, envs=config.env.num_envs, width=camera.width, height=camera.height)


def _training(case: Case, config: Config, used_before: list[int] | None) -> Result:
    from mjxdex.runtime.trainer import Trainer

    split = topology.choose(config)
    trainer = Trainer(config, split)
    state = trainer.init()
    seconds, timed = [], []
    for waits in [False] * (2 + case.iterations) + [True] * TIMED:
        phases = Phases(waits, trajectory=config.runtime.trajectory)
        start = time.perf_counter()
        state, metrics = trainer.iterate(state, phases, config.runtime.overlap and not waits)
        jax.block_until_ready((state, metrics))
        (timed if waits else seconds).append(dict(phases.seconds) if waits else time.perf_counter() - start)
    iteration = float(np.median(seconds[2:]))
    phases = {name: 1e3 * float(np.median([each[name] for each in timed])) for name in timed[0]}
    steps = config.env.num_envs * config.ppo.horizon
    return Result(
        device=jax.local_devices()[0].device_kind,
        layout=split.spec,
        iteration_ms=1e3 * iteration,
        env_steps_per_s=steps / iteration,
        samples_per_s=1e3 * steps * config.ppo.epochs / phases["update"],
        phases=phases,
        uses=_uses(split, PHASES_OF_ROLES[config.runtime.trajectory], phases, 1e3 * iteration, used_before),
    )


def _uses(
    split: Topology,
    phases_of: dict[str, tuple[str, ...]],
    phases: dict[str, float],
    iteration_ms: float,
    used_before: list[int] | None,
) -> list[Use]:
    """By device of the split, in order."""
    roles = {
        device: [
            (role, phases_of[role])
            for role, there in (("simulator", device in split.sims), ("learner", device in split.learners))
            if there
        ]
        for device in sorted({*split.sims, *split.learners}, key=lambda device: device.id)
    }
    used = processes.gpu_used()
    uses = []
    for device, tasks in roles.items():
        busy = sum(phases.get(name, 0.0) for _, names in tasks for name in names)
        stats = device.memory_stats() or {}
        outside = None
        if used is not None and used_before is not None and stats:
            grown = used[device.local_hardware_id] - used_before[device.local_hardware_id]
            outside = grown - stats["pool_bytes"] / 2**20
        uses.append(
            Use(
                device=device.id,
                roles="+".join(role for role, _ in tasks),
                idle=max(0.0, 1 - busy / iteration_ms),
                xla_peak=stats["peak_bytes_in_use"] / 2**20 if stats else None,
                xla_limit=stats["bytes_limit"] / 2**20 if stats else None,
                outside=outside,
            )
        )
    return uses


def _bare(case: Case, config: Config, used_before: list[int] | None) -> Result:
    from mjxdex.evaluation.benchmark import Benchmark

    costs = Benchmark(config, case.level).run(False, case.iterations, lambda line: None, parts=False)
    return Result(
        device=jax.local_devices()[0].device_kind,
        env_steps_per_s=1e3 * config.env.num_envs / costs.bare,
        phases={"bare control step": costs.bare, "full control step": costs.full},
    )


def _torch(case: Case, config: Config, used_before: list[int] | None) -> Result:
    jax.config.update("jax_platforms", "cpu")  # the device's memory is PyTorch's
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError:
        raise UserError("PyTorch is not installed; pip install torch, or leave the peer out") from None
    from mjxdex.evaluation import torch_peer

    network = config.network
    if not config.observation.depth or not network.lstm_layers or network.mlp_position != "after":
        raise UserError(f"the peer has a camera, an LSTM and the MLP behind it; {case.config} has not")
    if network.pooling != "mean" or network.lstm_skip:
        raise UserError("the peer pools its features and has no network.lstm_skip; leave it or these out")
    if config.ppo.noise_correlation:
        raise UserError("the peer takes noise for white; leave it or ppo.noise_correlation out")
    networks = make_learner(config).networks
    sizes = torch_peer.Sizes(networks.policy_dim, networks.critic_dim, networks.action_dim)
    recurrence = "cudnn" if case.kind == "torch cudnn" else "steps"
    update_ms, peak = torch_peer.measure(config, sizes, recurrence, case.iterations, compiled=True)
    samples = config.env.num_envs * config.ppo.horizon * config.ppo.epochs
    return Result(
        device=torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        samples_per_s=1e3 * samples / update_ms,
        phases={"update": update_ms},
        torch_peak=peak,
    )


_MEASURES = {"training": _training, "bare": _bare, "torch steps": _torch, "torch cudnn": _torch}


def main() -> None:
    used_before = processes.gpu_used()
    try:
        result = measure(Case(**json.loads(sys.argv[1])), used_before)
    except (UserError, RuntimeError, ValueError, MemoryError) as error:
        result = Result(error=processes.short(error))
    processes.tell(result)


if __name__ == "__main__":
    main()
