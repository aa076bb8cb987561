"""Every benchmark: `python -m tests.benchmarks [--quick]`."""

import argparse
import importlib
import pkgutil
import sys
import time

import tests.benchmarks
from tests.benchmarks.report import Reach


def main() -> int:
    """Run the benchmarks that there are, or the named ones, and sum up what was reached."""
    known = sorted(
        module.name.removeprefix("bench_")
        for module in pkgutil.iter_modules(tests.benchmarks.__path__)
        if module.name.startswith("bench_")
    )
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"only these of {', '.join(known)}")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it run, rather than how fast")
    options = parser.parse_args()
    if unknown := set(options.names) - set(known):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    reached: list[Reach] = []
    start = time.monotonic()
    for name in options.names or known:
        reached += importlib.import_module(f"tests.benchmarks.bench_{name}").main(quick=options.quick)
    print(f"\nWhat was to be reached ({time.monotonic() - start:.0f} s in all)")
    for each in reached:
        print(f"  {each}")
    return 0 if options.quick or all(each.is_reached for each in reached) else 1


if __name__ == "__main__":
    sys.exit(main())
