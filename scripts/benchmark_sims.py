"""Times simulators alone on one device, on two and so on: benchmark_sims.py [--config NAME] [--envs N]

Every device has the same number of envs, under random actions. Physics and images are timed each by itself,
one after the other with a wait for each, as for a policy, and queued without a wait. Several devices ideally
take as long as one.
"""

import argparse
import sys
import time

from mjxdex import config_files
from mjxdex.config import UserError

STEPS, ROUNDS = 16, 3
WAYS = ("physics", "images", "both", "both, queued")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="depth160_paper", metavar="NAME", help="[%(default)s]")
    parser.add_argument("--envs", type=int, metavar="N", help="on each device [the config's in total]")
    parser.add_argument("--devices", type=int, metavar="N", help="at most [all]")
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")


def run(options: argparse.Namespace) -> None:
    import jax
    from rich.console import Console
    from rich.table import Table

    config = config_files.load(options.config, {})
    envs = options.envs or config.env.num_envs
    devices = jax.local_devices()[: options.devices]
    table = Table(
        title=f"ms per control step, {envs} envs on each {devices[0].device_kind}", title_justify="left"
    )
    for heading in ("devices", *WAYS):
        table.add_column(heading, justify="right")
    console = Console(highlight=False, soft_wrap=True)
    for count in range(1, len(devices) + 1):
        console.print(f"{count} of {len(devices)}")
        table.add_row(str(count), *(f"{ms:.2f}" for ms in times(config, devices[:count], envs)))
    console.print(table)


def times(config, devices, envs: int) -> list[float]:
    """Median ms per control step in each of the ways."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from mjxdex.runtime.probe import with_envs
    from mjxdex.runtime.sims import Simulators
    from mjxdex.task.env import Command

    sims = Simulators(with_envs(config, envs * len(devices)), devices)
    actions = jax.random.normal(jax.random.key(0), (len(devices), envs, 11))
    command = jax.device_put(Command(actions, jnp.zeros(len(devices), jnp.int32)), sims.sharding)
    state = sims.init()

    def go(state, way: str):
        start, image = time.perf_counter(), None
        for _ in range(STEPS):
            if way != "images":
                state, *seen = sims.step(state, command)
                if way != "both, queued":
                    jax.block_until_ready((state, seen))
            if way != "physics":
                image = sims.render(state)
                if way != "both, queued":
                    jax.block_until_ready(image)
        jax.block_until_ready((state, image))
        return state, (time.perf_counter() - start) / STEPS * 1e3

    state, _ = go(state, "both")  # compiles, and lets objects come to lie
    found = []
    for way in WAYS:
        spent = []
        for _ in range(ROUNDS):
            state, ms = go(state, way)
            spent.append(ms)
        found.append(float(np.median(spent)))
    return found


if __name__ == "__main__":
    main()
