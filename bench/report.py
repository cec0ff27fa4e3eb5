"""The tables of bench/RESULTS.md."""

import importlib.metadata
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.process import ROOT

MEMORY_LIMIT = 850  # MB
PACKAGES = ("torch", "dvc", "lightning", "scikit-learn", "jax")
Values = Mapping[str, Sequence[float]]  # by program, one for each round

# What is compared with what; the third column is the largest ratio that is accepted.
LOOPS = (
    ("stage train, native, sgd", "plain script, sgd", "1.0"),
    ("stage train, portable, sgd", "plain script, sgd", "1.4; 1.7 with AVX-512"),
    ("stage train, native, adam", "plain script, adam", ""),
    ("stage train, portable, adam", "plain script, adam", ""),
    ("tutorial, sgd", "plain script, sgd", ""),
    ("Lightning, sgd", "plain script, sgd", ""),
    ("scikit-learn, sgd", "plain script, sgd", ""),
    ("JAX, sgd", "plain script, sgd", ""),
)
WHOLES = (
    ("`dvc exp run` with Adam", "plain script, adam", "1.4"),
    ("`dvc repro`", "plain script, sgd", ""),
    ("`dvc repro`", "tutorial, sgd", ""),
    ("`dvc repro`", "Lightning, sgd", ""),
    ("`dvc exp run -S epochs=1`", "`import torch`", ""),
    ("`dvc repro` of an up-to-date pipeline", "`import torch`", ""),
)


def format_results(loops: Values, wholes: Values, accuracies: Values, memory: Values) -> str:
    """Return the text of RESULTS.md: seconds of an epoch and of whole processes, accuracies, peak memory in MB."""
    rows = {
        "One epoch of the training loop": [compare(loops, *row) for row in LOOPS],
        "Whole processes, from start to exit": [compare(wholes, *row) for row in WHOLES],
    }
    text = f"# Results of make bench\n\n{describe_machine()}\n"
    for title, table in rows.items():
        columns = ("what", "seconds", "against", "seconds", "ratio (min to max)", "at most")
        text += f"\n## {title}\n\n{format_table(columns, table)}"
    spread = [
        (name, f"{statistics.mean(row):.2%} ± {statistics.stdev(row):.2%}", f"{min(row):.2%} to {max(row):.2%}")
        for name, row in accuracies.items()
    ]
    text += f"\n## Test accuracy, one seed a round\n\n{format_table(('what', 'mean', 'range'), spread)}"
    peaks = [(stage, f"{max(row):.0f}", str(MEMORY_LIMIT)) for stage, row in memory.items()]
    return text + f"\n## Peak memory of a stage in MB\n\n{format_table(('stage', 'peak', 'at most'), peaks)}"


def compare(values: Values, name: str, reference: str, limit: str) -> tuple[str, ...]:
    """Return a row: both medians, their ratio, and the smallest and the largest ratio of a round."""
    ratios = [value / other for value, other in zip(values[name], values[reference], strict=True)]
    median, other = statistics.median(values[name]), statistics.median(values[reference])
    ratio = f"{median / other:.3g} ({min(ratios):.3g} to {max(ratios):.3g})"
    return name, f"{median:.3g}", reference, f"{other:.3g}", ratio, limit


def format_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a Markdown table."""
    return "".join(f"| {' | '.join(row)} |\n" for row in [columns, ["---"] * len(columns), *rows])


def describe_machine() -> str:
    """Describe the processor, the versions, the commit and the date (UTC) in one line."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    processor = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    instructions = "AVX-512" if any("avx512f" in line for line in lines) else "AVX2"
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    return (
        f"{processor} with {instructions}, one of {os.cpu_count()} cores; Python {platform.python_version()}, "
        f"{versions}; commit {commit}, {datetime.now(UTC):%Y-%m-%d}."
    )
