"""Benchmark of DVC commands: `dvc repro` of an up-to-date pipeline, an experiment, and a sweep of experiments."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from bench.clone import Clone
from bench.comparison import Row, compare
from bench.runner import ROUNDS, interleave

SWEEP_SIZE = 8
SWEEP_ROUNDS = 3  # at most: a sweep takes minutes
TIMEOUT_SECONDS = 900
EXPERIMENT = re.compile(r"^refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/", flags=re.MULTILINE)


def measure(folder: Path, rounds: int = ROUNDS, sweep_size: int = SWEEP_SIZE, **parameters: object) -> list[Row]:
    """Run both benchmarks in a clone whose pipeline is up to date with these values in params.yaml."""
    clone = Clone.of_head(folder / "clone", **parameters)
    clone.run("dvc", "repro")
    clone.commit()
    return [
        measure_up_to_date_repro(clone, rounds),
        measure_experiment(clone, rounds),
        measure_sweeps(clone, min(rounds, SWEEP_ROUNDS), sweep_size),
    ]


def measure_up_to_date_repro(clone: Clone, rounds: int) -> Row:
    """Build a row, in seconds; reference: importing torch, the minimum for any command that uses it."""
    what = "`dvc repro` of an up-to-date pipeline"
    return compare_with_import(what, lambda _: clone.run("dvc", "repro").seconds, clone, rounds, at_most=1)


def measure_experiment(clone: Clone, rounds: int) -> Row:
    """Build a row, in seconds: the wait for an experiment that hardly trains; reference: importing torch."""

    def run_experiment(number: int) -> float:
        seconds = clone.run("dvc", "exp", "run", "-S", "epochs=1", "-S", f"lr={0.02 + number * 1e-3:.3f}").seconds
        clone.run("git", "restore", ".")
        clone.run("dvc", "checkout")
        return seconds

    return compare_with_import("`dvc exp run -S epochs=1 -S lr=...`", run_experiment, clone, rounds, at_most=5.5)


def compare_with_import(what: str, program: Callable[[int], float], clone: Clone, rounds: int, at_most: float) -> Row:
    """Build a row of a program that returns its seconds; reference: those of importing torch."""
    seconds = interleave(
        {what: program, "import torch": lambda _: clone.run("python", "-c", "import torch").seconds}, rounds
    )
    against = f'{what}, against `python -c "import torch"`'
    return compare(against, seconds[what], seconds["import torch"], "s", at_most)


def measure_sweeps(clone: Clone, rounds: int, size: int) -> Row:
    """Build a row, in seconds: a sweep with two parallel jobs; reference: one job.

    Each sweep runs in its own copy of the clone. In a reused clone, DVC would restore results from its run cache, and
    a stop request that the last worker had not read would stop the next worker.
    """
    learning_rates = [f"{0.01 + number * 1e-5:.5f}" for number in range(1, size + 1)]

    def sweep(jobs: int) -> Callable[[int], float]:
        return lambda number: run_sweep(clone.copy(f"sweep-{jobs}-{number}"), jobs, learning_rates)

    seconds = interleave({"sweep, 2 jobs": sweep(2), "sweep, 1 job": sweep(1)}, rounds)
    what = f"sweep of {size} experiments, `--jobs 2` against `--jobs 1`"
    return compare(what, seconds["sweep, 2 jobs"], seconds["sweep, 1 job"], "s", at_most=0.55)


def run_sweep(clone: Clone, jobs: int, learning_rates: list[str]) -> float:
    """Run a queued experiment for each learning rate; return the seconds from `dvc queue start` to the last result.

    Raises:
        TimeoutError: the results or the end of the workers took longer than TIMEOUT_SECONDS.
    """
    expected = count_experiments(clone) + len(learning_rates)
    clone.run("dvc", "repro")  # so that DVC hashes the copied files before the timer starts
    clone.run("dvc", "exp", "run", "--queue", "-S", f"lr={','.join(learning_rates)}")
    start = time.perf_counter()
    clone.run("dvc", "queue", "start", "--jobs", str(jobs))
    # Polls Git instead of `dvc queue status`, which takes as long as a small experiment and would slow the workers.
    wait_until(lambda: count_experiments(clone) == expected)
    seconds = time.perf_counter() - start
    clone.run("dvc", "queue", "stop")
    wait_until(lambda: "0 active, 0 idle" in clone.run("dvc", "queue", "status").stdout)
    return seconds


def count_experiments(clone: Clone) -> int:
    """Count successful experiments, each of which has a Git ref."""
    return len(EXPERIMENT.findall(clone.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout))


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll `condition` every 0.5 s.

    Raises:
        TimeoutError: it is still false after TIMEOUT_SECONDS.
    """
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the sweep did not finish within {TIMEOUT_SECONDS} s")
        time.sleep(0.5)
