"""Writes a policy as an ONNX file: export_onnx.py RUN_OR_BUNDLE [--out FILE]"""

import argparse
import sys
from pathlib import Path

from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Export the newest policy of a run, or that of a bundle, as one ONNX file."
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="run folder, or bundle")
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="file to write [RUN/policy.onnx, or BUNDLE.onnx]"
    )
    options = parser.parse_args()
    from mjxdex.deploy.export import export
    from mjxdex.deploy.export_student import export_student
    from mjxdex.runtime.trained import load_policy

    try:
        policy = load_policy(options.run)
        for notice in policy.notices:
            print(f"notice: {notice}")
        beside = options.run / "policy.onnx" if options.run.is_dir() else options.run.with_suffix(".onnx")
        path = options.out or beside
        student = bool(policy.config.distill.teacher)
        write = export_student if student else export
        report = write(
            policy.config, policy.params, policy.stats, policy.layout, path, adr_level=policy.adr_level
        )
    except UserError as error:
        sys.exit(f"error: {error}")
    print(
        f"{report.path}: iteration {policy.iteration}; ONNX Runtime and JAX differ by at "
        f"most {report.action:.1e} in the action"
        + (f", {report.object_pos:.1e} m in the object position" if student else "")
        + f" and {report.state:.1e} in the LSTM state over {report.steps} steps"
    )


if __name__ == "__main__":
    main()
