"""Benchmark of our training against the tutorial's program."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.comparison import Row, compare, compare_accuracies
from bench.programs import Programs
from bench.runner import ROUNDS, interleave

IMAGES = 60_000
EPOCHS = 10
LOOP_TARGETS = {("sgd", "native"): 1 / 9, ("sgd", "portable"): 1 / 6}

Results = Mapping[str, Sequence[Mapping[str, float]]]  # by program; one mapping per round


def measure(folder: Path, rounds: int = ROUNDS, epochs: int = EPOCHS) -> list[Row]:
    """Run all programs in interleaved rounds."""
    programs = Programs(folder, epochs)
    threads_row, environment = choose_threads(programs, rounds)
    results = interleave(
        {
            "tutorial, sgd": programs.tutorial("sgd", epochs, environment),
            "dvc repro": programs.repro(epochs),
            "sgd, native": programs.training_loop("sgd", epochs, "native"),
            "sgd, portable": programs.training_loop("sgd", epochs, "portable"),
            "tutorial, adam": programs.tutorial("adam", epochs, environment),
            "dvc exp run": programs.experiment,
            "adam, native": programs.training_loop("adam", epochs, "native"),
            "adam, portable": programs.training_loop("adam", epochs, "portable"),
        },
        rounds,
    )
    return [
        threads_row,
        *compare_loops(results),
        *compare_processes(results),
        *compare_all_accuracies(results),
    ]


def choose_threads(programs: Programs, rounds: int) -> tuple[Row, dict[str, str]]:
    """Time the tutorial's loop with all threads and with one; return the environment variables of the faster one."""
    settings: dict[str, dict[str, str]] = {"all threads": {}, "one thread": {"OMP_NUM_THREADS": "1"}}
    results = interleave({name: programs.tutorial("sgd", 1, setting) for name, setting in settings.items()}, rounds)
    seconds = {name: column(results, name, "training_seconds") for name in settings}
    fastest = min(settings, key=lambda name: statistics.median(seconds[name]))
    what = f"the tutorial's loop, one epoch, all threads against one thread ({fastest} in the rows below)"
    return compare(what, seconds["all threads"], seconds["one thread"], "s"), settings[fastest]


def column(results: Results, program: str, key: str) -> list[float]:
    """List one value of a program for each round."""
    return [result[key] for result in results[program]]


def compare_seconds(
    what: str, results: Results, kind: str, program: str, reference: str, at_most: float | None = None
) -> Row:
    """Build a row of the seconds of two programs; `kind` is training or process."""
    measured, references = (column(results, name, f"{kind}_seconds") for name in (program, reference))
    return compare(what, measured, references, "s", at_most)


def compare_loops(results: Results) -> list[Row]:
    """Build the rows of the training loops, without imports and loading of data."""
    return [
        compare_seconds(
            f"training loop, {optimizer}, {numerics}, one thread, against the tutorial's loop",
            results,
            "training",
            f"{optimizer}, {numerics}",
            f"tutorial, {optimizer}",
            LOOP_TARGETS.get((optimizer, numerics)),
        )
        for optimizer in ("sgd", "adam")
        for numerics in ("native", "portable")
    ]


def compare_processes(results: Results) -> list[Row]:
    """Build the rows of the dvc commands, reference: the tutorial's program from start to exit."""
    repro = "`dvc repro` in a fresh clone, against the tutorial's program"
    adam = "`dvc exp run -S optimizer=adam -S lr=0.001`, against the tutorial's program with Adam"
    return [
        compare_seconds(repro, results, "process", "dvc repro", "tutorial, sgd", at_most=0.4),
        compare_seconds(adam, results, "process", "dvc exp run", "tutorial, adam", at_most=0.35),
    ]


def compare_all_accuracies(results: Results) -> list[Row]:
    """Build the rows of the test accuracies; each round has its own seed."""
    optimizers = {"sgd, native": "sgd", "dvc repro": "sgd", "adam, native": "adam", "dvc exp run": "adam"}
    return [
        compare_accuracies(
            f"test accuracy over {len(results[program])} seeds, {program}, against the tutorial's",
            column(results, program, "accuracy"),
            column(results, f"tutorial, {optimizer}", "accuracy"),
        )
        for program, optimizer in optimizers.items()
    ]
