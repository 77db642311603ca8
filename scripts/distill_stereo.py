"""Distils a policy into a student: distill_stereo.py --teacher RUN [--config NAME] | --resume DIR"""

import sys
from pathlib import Path

from mjxdex import config_files
from mjxdex.config import UserError
from mjxdex.runtime import run_folder


def main() -> None:
    parser = config_files.Parser(
        description="Teach a stereo RGB (or depth) student what a trained policy does. Every setting below "
        "overrides the config's.",
        usage="distill_stereo.py --teacher RUN|FILE [--config NAME] [--run DIR] [--section.key value ...]\n"
        "       distill_stereo.py --resume DIR",
    )
    parser.add_argument(
        "--teacher", metavar="RUN", type=Path, help="run folder of a trained policy, or a bundle of it"
    )
    parser.add_argument("--config", metavar="NAME", help="a file in configs/, or the path of one [stereo160]")
    parser.add_argument("--run", metavar="DIR", type=Path, help="run folder [runs/NAME-DATE-TIME]")
    parser.add_argument("--resume", metavar="DIR", type=Path, help="go on with the run in this folder")
    options, overrides = parser.parse()
    if options.resume and (options.run or options.teacher):
        parser.error("--resume names the run folder, which holds its teacher; leave out --run and --teacher")
    if not options.resume and not options.teacher:
        parser.error("name the run of a teacher: --teacher RUN, or a run to go on with: --resume DIR")
    try:
        if options.resume:
            config = run_folder.resumed_config(options.resume, options.config, overrides)
            if not config.distill.teacher:
                raise UserError(
                    f"{options.resume} has no teacher; go on with: train.py --resume {options.resume}"
                )
        else:
            teacher = {"distill.teacher": str(options.teacher)}
            config = config_files.load(options.config or "stereo160", overrides | teacher)
        from mjxdex.runtime.distill import distill  # takes seconds to import: only once the options are right

        distill(config, options.resume or options.run, resume=options.resume is not None)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
