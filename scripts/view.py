"""Watches a policy in a simulated cell from a browser: view.py RUN|FILE.onnx [--objects SET] [--port N]"""

import argparse
import sys
from pathlib import Path

from mjxdex.config import UserError


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("policy", help="run folder with a policy.onnx, an ONNX file, or the word scripted")
    parser.add_argument("--objects", metavar="SET", help="object set [heldout; primitives if scripted]")
    parser.add_argument("--port", type=int, default=8080, help="of the page [%(default)s]")
    options = parser.parse_args()
    try:
        run(options)
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        pass


def run(options: argparse.Namespace) -> None:
    from mjxdex import objects
    from mjxdex.deploy.policy import OnnxPolicy
    from mjxdex.deploy.scripted_policy import ScriptedPolicy
    from mjxdex.deploy.viewer import Viewer

    scripted = options.policy == "scripted"
    found = objects.load(options.objects or ("primitives" if scripted else "heldout"))
    path = Path(options.policy)
    if path.is_dir():
        if not (path / "policy.onnx").is_file():
            raise UserError(f"there is no {path}/policy.onnx; scripts/export_onnx.py {path} writes it")
        path = path / "policy.onnx"
    policy = ScriptedPolicy(found.names[0]) if scripted else OnnxPolicy(path)
    viewer = Viewer(policy, found, options.port)
    print(f"open http://localhost:{viewer.server.get_port()} in a browser; Ctrl-C ends", flush=True)
    try:
        viewer.run()
    finally:
        viewer.close()


if __name__ == "__main__":
    main()
