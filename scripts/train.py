"""Trains a policy: train.py --config NAME [--start-from FILE] [--run DIR] [--key value ...]
or goes on: train.py --resume DIR, train.py --continue FILE [--run DIR]"""

import sys
from pathlib import Path

from mjxdex import config_files
from mjxdex.config import UserError
from mjxdex.runtime import machines, run_folder


def main() -> None:
    parser = config_files.Parser(
        description="Train a grasping policy. Every setting below overrides the config's.",
        usage="train.py --config NAME [--start-from FILE] [--run DIR] [--section.key value ...]\n"
        "       train.py --resume DIR\n"
        "       train.py --continue FILE [--run DIR]",
    )
    parser.add_argument("--config", metavar="NAME", help="a file in configs/, or the path of one")
    parser.add_argument("--run", metavar="DIR", type=Path, help="run folder [runs/NAME-DATE-TIME]")
    parser.add_argument(
        "--resume", metavar="DIR", type=Path, help="go on with the run in this folder, exactly"
    )
    parser.add_argument(
        "--start-from",
        metavar="FILE",
        type=Path,
        help="start with the networks of a bundle (scripts/bundle.py)",
    )
    parser.add_argument(
        "--continue", dest="go_on", metavar="FILE", type=Path,
        help="go on with the run of a bundle made with --moments, in a new folder and with new episodes",
    )  # fmt: skip
    parser.add_argument(
        "--machines", metavar="HOST:PORT,N,I", help="this is process I of N machines; process 0 is at HOST"
    )
    options, overrides = parser.parse()
    if options.resume and options.run:
        parser.error("--resume names the run folder already; leave out --run")
    if sum(map(bool, (options.resume, options.start_from, options.go_on))) > 1:
        parser.error("--resume, --start-from and --continue exclude each other")
    if options.go_on and options.config:
        parser.error("--continue takes the bundle's config; leave out --config, or use --start-from")
    if not (options.resume or options.go_on or options.config):
        parser.error("name a configuration, such as --config smoke, or a run to go on with: --resume DIR")
    try:
        if options.machines:
            machines.join(options.machines)
        start = None
        if options.resume:
            config = run_folder.resumed_config(options.resume, options.config, overrides)
        elif options.start_from or options.go_on:
            from mjxdex.runtime import bundles

            bundle = bundles.read(options.start_from or options.go_on)
            from mjxdex.runtime.start import Start, continued_config, new_config

            start = Start(bundle, goes_on=bool(options.go_on))
            if options.go_on:
                config = continued_config(bundle, overrides)
            else:
                config = new_config(bundle, options.config, overrides)
        else:
            config = config_files.load(options.config, overrides)
        run_folder.check_trains(config, options.resume)
        from mjxdex.runtime.train import train  # takes seconds to import: only once the options are right

        train(config, options.resume or options.run, resume=options.resume is not None, start=start)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
