"""What a user waits for beside training: a `dvc repro` that finds nothing to do, and a sweep of experiments."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from bench.clone import Clone
from bench.comparison import Row, compare
from bench.measure import ROUNDS, interleave

SWEEP_SIZE = 8
PATIENCE_SECONDS = 900
EXPERIMENT = re.compile(r"^refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/", flags=re.MULTILINE)


def measure(folder: Path, rounds: int = ROUNDS, sweep_size: int = SWEEP_SIZE, **parameters: object) -> list[Row]:
    """Measure in a clone in which the pipeline has run."""
    clone = Clone.of_head(folder / "clone", **parameters)
    clone.run("dvc", "repro")
    clone.commit()
    return [measure_nothing_to_do(clone, rounds), measure_sweeps(clone, rounds, sweep_size)]


def measure_nothing_to_do(clone: Clone, rounds: int) -> Row:
    """Compare `dvc repro` with nothing to do, and what any use of torch takes to begin."""
    seconds = interleave(
        {
            "nothing to do": lambda _: clone.run("dvc", "repro").seconds,
            "import torch": lambda _: clone.run("python", "-c", "import torch").seconds,
        },
        rounds,
    )
    what = '`dvc repro` with nothing to do, against `python -c "import torch"`'
    return compare(what, seconds["nothing to do"], seconds["import torch"], "s", at_most=1)


def measure_sweeps(clone: Clone, rounds: int, size: int) -> Row:
    """Compare a sweep with two jobs, and one after the other, from the start of the queue to the last result.

    Each has a copy of the clone to itself. In one that had a sweep before, DVC would bring back results; and an order
    to stop that the queue's last worker did not live to read would stop the next one.
    """
    learning_rates = [f"{0.01 + number * 1e-5:.5f}" for number in range(1, size + 1)]

    def sweep(jobs: int) -> Callable[[int], float]:
        return lambda number: run_sweep(clone.copy(f"sweep-{jobs}-{number}"), jobs, learning_rates)

    seconds = interleave({"sweep, -j 2": sweep(2), "sweep, -j 1": sweep(1)}, rounds)
    what = f"sweep of {size} with `-j 2`, against one after the other"
    return compare(what, seconds["sweep, -j 2"], seconds["sweep, -j 1"], "s", at_most=0.6)


def run_sweep(clone: Clone, jobs: int, learning_rates: list[str]) -> float:
    """Run experiments through the queue, and return the seconds from its start until all have given their results."""
    expected = count_experiments(clone) + len(learning_rates)
    clone.run("dvc", "repro")  # DVC hashes, once, what has been copied
    clone.run("dvc", "exp", "run", "--queue", "-S", f"lr={','.join(learning_rates)}")
    begin = time.perf_counter()
    clone.run("dvc", "queue", "start", "--jobs", str(jobs))
    # Git alone is asked, since DVC's own status takes as long as a small experiment and would slow those that run.
    wait_until(lambda: count_experiments(clone) == expected)
    seconds = time.perf_counter() - begin
    clone.run("dvc", "queue", "stop")
    wait_until(lambda: "0 active, 0 idle" in clone.run("dvc", "queue", "status").output)
    return seconds


def count_experiments(clone: Clone) -> int:
    """Count the experiments that have ended well."""
    return len(EXPERIMENT.findall(clone.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").output))


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: it took too long.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the sweep is not done after {PATIENCE_SECONDS} s")
        time.sleep(0.5)
