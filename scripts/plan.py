"""Predicts how many envs fit some devices: plan.py --config NAME --gpus 4 --memory 48 [--probe] [--verify]"""

import datetime
import sys
from pathlib import Path

from rich.console import Console

from mjxdex import config_files
from mjxdex.config import UserError


def main() -> None:
    parser = config_files.Parser(
        description="Envs per device, memory by role and speed of every layout; settings as for train.py.",
        usage="plan.py --config NAME [--gpus N] [--memory GB] [--probe] [--verify] [--section.key value ...]",
    )
    parser.add_argument("--config", metavar="NAME", required=True, help="a file in configs/, or its path")
    parser.add_argument("--gpus", metavar="N", type=int, default=4, help="devices [4]")
    parser.add_argument(
        "--memory", metavar="GB", type=float, default=48, help="of each device, 1e9 bytes [48]"
    )
    parser.add_argument("--link", metavar="GB/S", type=float, help="between devices [as in the coefficients]")
    parser.add_argument("--device", metavar="KIND", help="kind of the devices [the first GPU here]")
    parser.add_argument("--probe", action="store_true", help="measure on this machine first, minutes; cached")
    parser.add_argument(
        "--sizes", metavar="N", type=int, nargs=2, default=(1024, 4096), help="envs to probe with"
    )
    parser.add_argument(
        "--save", metavar="FILE", type=Path, help="also write what was measured to this table"
    )
    parser.add_argument(
        "--verify", action="store_true", help="train two iterations of the predicted most envs"
    )
    options, overrides = parser.parse()
    try:
        config = config_files.load(options.config, overrides)
        _check(options, config.ppo.minibatches)
        _run(options, config)
    except UserError as error:
        sys.exit(f"error: {error}")


def _check(options, minibatches: int) -> None:
    few, many = options.sizes
    if not 0 < few < many or few % minibatches or many % minibatches:
        raise UserError(
            f"--sizes is {few} {many}; give a smaller and a larger multiple of ppo.minibatches {minibatches}"
        )
    if options.gpus < 1 or options.memory <= 0:
        raise UserError(f"--gpus {options.gpus} and --memory {options.memory} must be above 0")


def _run(options, config) -> None:
    from mjxdex.runtime import coefficients, gpu_memory, plan_report, probe, run_folder

    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, 120)
    memory, link = options.memory * 1e9, options.link and options.link * 1e9
    device = options.device or gpu_memory.kind() or "cpu"
    if options.probe:
        commit = (run_folder.commit() or "unknown")[:7]
        origin = f"{' '.join(['plan.py', *sys.argv[1:]])}, commit {commit}, {datetime.date.today()}"
        known = coefficients.find(config, device)
        costs = probe.measure(config, tuple(options.sizes), origin, console.print, known and known.costs)
        device = costs.device
        console.print(f"written: {coefficients.store(config, costs)}")
        if options.save:
            coefficients.add(options.save, costs)
    for part in plan_report.report(config, device, options.gpus, memory, link):
        console.print(part)
    if options.verify:
        costs = plan_report.known(config, device).costs
        table, agrees = plan_report.verify(config, costs, memory)
        console.print(table)
        console.print("prediction and reality agree" if agrees else "prediction and reality DISAGREE")
        sys.exit(not agrees)


if __name__ == "__main__":
    main()
