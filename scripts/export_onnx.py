"""Writes a run's policy as an ONNX file: export_onnx.py RUN [--out FILE]"""

import argparse
import sys
from pathlib import Path

from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(description="Export the newest policy of a run as one ONNX file.")
    parser.add_argument("run", metavar="RUN", type=Path, help="run folder")
    parser.add_argument("--out", metavar="FILE", type=Path, help="file to write [RUN/policy.onnx]")
    options = parser.parse_args()
    from mjxdex.deploy.export import export
    from mjxdex.runtime.trained import load_policy

    try:
        policy = load_policy(options.run)
        for notice in policy.notices:
            print(f"notice: {notice}")
        path = options.out or options.run / "policy.onnx"
        report = export(
            policy.config, policy.params, policy.stats, policy.layout, path, adr_level=policy.adr_level
        )
    except UserError as error:
        sys.exit(f"error: {error}")
    print(
        f"{report.path}: iteration {policy.iteration}; ONNX Runtime and JAX differ by at "
        f"most {report.action:.1e} in the action and {report.state:.1e} in the LSTM "
        f"state over {report.steps} steps"
    )


if __name__ == "__main__":
    main()
