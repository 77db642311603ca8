"""Says what works on this machine and what to do about the rest: doctor.py [--quick]"""

import argparse
import sys

from mjxdex.runtime import doctor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the physics step and the depth image")
    options = parser.parse_args()
    print("Trying physics and rendering may take minutes the first time, while Warp compiles its kernels.")
    broken = 0
    for check in doctor.checks(try_simulator=not options.quick):
        state = "ok" if check.ok else "MISSING" if check.needed else "-"
        advice = "" if check.ok else f"\n{'':30}{check.advice}"
        print(f"{state:8} {check.name:20} {check.found}{advice}", flush=True)
        broken += check.needed and not check.ok
    if broken:
        sys.exit("error: training cannot run here; see the lines marked MISSING")
    print("Training can run here.")


if __name__ == "__main__":
    main()
