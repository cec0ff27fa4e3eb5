"""Run the benchmarks on the last commit, update bench/RESULTS.md, and print it.

Run: python -m bench                all benchmarks, on an otherwise idle machine (more than an hour)
     python -m bench scaling ...    only the named ones; the results of the others are kept
"""

import argparse
import os
import sys

from bench import results
from bench.programs import JAX_PYTHON
from bench.runner import CommandError


def main() -> None:
    """Exit with status 2 for wrong arguments, 1 if a benchmark fails."""
    names = parse_arguments()
    try:
        for name in names:
            results.run_benchmark(name)
    except (CommandError, TimeoutError) as error:
        sys.exit(f"error: {error}")
    print(results.RESULTS.read_text(), end="")


def parse_arguments() -> list[str]:
    """Return the names of the benchmarks to run, all of them by default."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    choices = ", ".join(results.BENCHMARKS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {choices} (default: all)")
    names: list[str] = parser.parse_args().names
    for name in names:
        if name not in results.BENCHMARKS:
            parser.error(f"invalid benchmark: {name} (choose from {choices})")
    if not os.environ.get("MNIST_MIRROR"):
        parser.error("MNIST_MIRROR is not set; set it to a local mirror, so that download speed is not measured")
    if not JAX_PYTHON.exists():
        parser.error(f"{JAX_PYTHON} is missing; make bench installs JAX there")
    return names or list(results.BENCHMARKS)
