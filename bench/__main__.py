"""Measure how fast the last commit is, and print a table, which is bench/RESULTS.md as well.

Run: python -m bench             everything, on an otherwise idle machine (more than an hour)
     python -m bench growth ...  only some of it; the other rows of the table stay
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
The invocations, by the first column of the table:
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
        for name in names or MEASUREMENTS:
            measure(name)
    except (CommandError, TimeoutError) as error:
        sys.exit(f"error: {error}")
    print(RESULTS.read_text(), end="")


def measure(name: str) -> None:
    """Make a measurement in a temporary folder, and write it down at once, lest a fault of the next take it along."""
    with tempfile.TemporaryDirectory() as folder:
        rows = MEASUREMENTS[name](Path(folder))
    old = RESULTS.read_text() if RESULTS.exists() else ""
    RESULTS.write_text(insert(old, name, f"- {name}: {machine.describe()}", rows))


def insert(results: str, name: str, invocation: str, rows: list[Row]) -> str:
    """Put a measurement in the place of the last one of that name; the lines of the others stay."""
    header, rule, *measured = to_markdown(rows).splitlines()
    last = (f"- {name}: ", f"| {name} | ")
    lines = [line for line in results.splitlines() if not line.startswith(last)]
    lines += [invocation, *(f"| {name} {row}" for row in measured)]
    invocations = [line for other in MEASUREMENTS for line in lines if line.startswith(f"- {other}: ")]
    table = [line for other in MEASUREMENTS for line in lines if line.startswith(f"| {other} | ")]
    begin = ["# How fast", "", EXPLANATION]
    return "\n".join([*begin, *invocations, "", f"| measurement {header}", f"| --- {rule}", *table, ""])


if __name__ == "__main__":
    main()
