"""Measure how fast the last commit is, and print a table; after a whole run, also write it to bench/RESULTS.md.

Run: python -m bench             everything, on an otherwise idle machine (more than an hour)
     python -m bench growth ...  only some of it
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import each_stage, growth, machine, training, waiting
from bench.comparison import Row, to_markdown
from bench.measure import CommandError

RESULTS = Path(__file__).parent / "RESULTS.md"
MEASUREMENTS: dict[str, Callable[[Path], list[Row]]] = {
    "training": training.measure,
    "waiting": waiting.measure,
    "stages": each_stage.measure,
    "growth": growth.measure,
}
EXPLANATION = """\
Each figure is a median of runs that took turns in one invocation, and a ratio one of medians, with the smallest and the
largest within a round. The ratio is ours over the other: less is better, and 0.111 is nine times as fast.
"""


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}; all if none is given")
    names = parser.parse_args().names
    for name in names:
        if name not in MEASUREMENTS:
            parser.error(f"{name}: no such measurement; there are {', '.join(MEASUREMENTS)}")
    if not os.environ.get("MNIST_MIRROR"):
        parser.error("MNIST_MIRROR is not set; it must be a local mirror, so that no network is measured")
    try:
        rows = measure(names or list(MEASUREMENTS))
    except (CommandError, TimeoutError) as error:
        sys.exit(f"error: {error}")
    results = f"# How fast\n\n{machine.describe()}\n{EXPLANATION}\n{to_markdown(rows)}"
    print(results, end="")
    if not names:
        RESULTS.write_text(results)


def measure(names: list[str]) -> list[Row]:
    """Make these measurements, each in a temporary folder of its own."""
    rows = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            measured = MEASUREMENTS[name](Path(folder))
        print(f"\n{to_markdown(measured)}", file=sys.stderr, flush=True)  # lest a later fault take it along
        rows += measured
    return rows


if __name__ == "__main__":
    main()
