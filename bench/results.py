"""The benchmarks by name, and bench/RESULTS.md, the file with their results."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import dvc_commands, each_stage, limits, machine, scaling, training
from bench.comparison import Row, to_markdown

RESULTS = Path(__file__).parent / "RESULTS.md"
BENCHMARKS: dict[str, Callable[[Path], list[Row]]] = {
    "training": training.measure,
    "limits": limits.measure,
    "dvc": dvc_commands.measure,
    "stages": each_stage.measure,
    "scaling": scaling.measure,
}
EXPLANATION = """\
Times and memory are medians over rounds; in each round, all programs of a benchmark run one after the other.
Accuracies are mean ± standard deviation over the seeds. The ratio is measured over reference, of the medians; in
parentheses, the smallest and the largest ratio within a round. For times and memory, lower is better: 0.111 is 9 times
as fast. Machine, versions and commit of each benchmark:
"""


def run_benchmark(name: str) -> None:
    """Run a benchmark in a temporary folder and update RESULTS.md, before the next benchmark can fail."""
    with tempfile.TemporaryDirectory() as folder:
        rows = BENCHMARKS[name](Path(folder))
    old = RESULTS.read_text() if RESULTS.exists() else ""
    RESULTS.write_text(replace_rows(old, name, machine.describe(), rows))


def replace_rows(results: str, name: str, machine_description: str, rows: list[Row]) -> str:
    """Return the text of RESULTS.md with new rows for one benchmark; the rows of the others are kept."""
    header, rule, *table_rows = to_markdown(rows).splitlines()
    outdated = (f"- {name}: ", f"| {name} | ")
    lines = [line for line in results.splitlines() if not line.startswith(outdated)]
    lines += [f"- {name}: {machine_description}", *(f"| {name} {row}" for row in table_rows)]
    machines = [line for other in BENCHMARKS for line in lines if line.startswith(f"- {other}: ")]
    table = [line for other in BENCHMARKS for line in lines if line.startswith(f"| {other} | ")]
    head = ["# Benchmark results", "", EXPLANATION]
    return "\n".join([*head, *machines, "", f"| benchmark {header}", f"| --- {rule}", *table, ""])
