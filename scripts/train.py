"""Trains a policy: train.py --config NAME [--run DIR] [--key value ...] | train.py --resume DIR"""

import sys
from pathlib import Path

from mjxdex import config_files
from mjxdex.config import UserError
from mjxdex.runtime import machines, run_folder


def main() -> None:
    parser = config_files.Parser(
        description="Train a grasping policy. Every setting below overrides the config's.",
        usage="train.py --config NAME [--run DIR] [--section.key value ...]\n       train.py --resume DIR",
    )
    parser.add_argument("--config", metavar="NAME", help="a file in configs/, or the path of one")
    parser.add_argument("--run", metavar="DIR", type=Path, help="run folder [runs/NAME-DATE-TIME]")
    parser.add_argument("--resume", metavar="DIR", type=Path, help="go on with the run in this folder")
    parser.add_argument(
        "--machines", metavar="HOST:PORT,N,I", help="this is process I of N machines; process 0 is at HOST"
    )
    options, overrides = parser.parse()
    if options.resume and options.run:
        parser.error("--resume names the run folder already; leave out --run")
    if not options.resume and not options.config:
        parser.error("name a configuration, such as --config smoke, or a run to go on with: --resume DIR")
    try:
        if options.machines:
            machines.join(options.machines)
        if options.resume:
            config = run_folder.resumed_config(options.resume, options.config, overrides)
        else:
            config = config_files.load(options.config, overrides)
        run_folder.check_trains(config, options.resume)
        from mjxdex.runtime.train import train  # takes seconds to import: only once the options are right

        train(config, options.resume or options.run, resume=options.resume is not None)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
