"""One process of a run on several machines, with toy envs: on_machines.py RUN TOPOLOGY ITERATIONS [MACHINES]

It goes on with the run if there is one. MACHINES is what train.py takes as --machines.
"""

import dataclasses
import sys
from pathlib import Path
from unittest import mock

from mjxdex.runtime import machines

CHECKPOINT_EVERY = 20


def main() -> None:
    folder, topology, iterations, *spec = sys.argv[1:]
    if spec:
        machines.join(spec[0])
    from mjxdex.config import AdrConfig, RuntimeConfig
    from mjxdex.runtime import budget
    from mjxdex.runtime import trainer as trainer_module
    from mjxdex.runtime.train import train
    from tests.runtime.toy_simulators import ToySimulators, toy_config, toy_learner

    config = dataclasses.replace(
        toy_config(24, horizon=4, minibatches=2, epochs=2, learning_rate=1e-3),
        adr=AdrConfig(min_resets=1, success_threshold=0.3),
        runtime=RuntimeConfig(
            topology=topology, iterations=int(iterations), checkpoint_every=CHECKPOINT_EVERY
        ),
    )
    resume = (Path(folder) / "config.yaml").exists()
    with (
        mock.patch.object(trainer_module, "Simulators", ToySimulators),
        mock.patch.object(trainer_module, "make_learner", toy_learner),
        mock.patch.object(budget, "check"),
    ):
        train(config, Path(folder), resume)


if __name__ == "__main__":
    main()
