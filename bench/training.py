"""Our training against the article's program on the same work, and against the floor that the processor sets."""

import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from bench.comparison import Row, compare, compare_accuracies
from bench.contest import Contest
from bench.measure import ROUNDS, interleave

IMAGES = 60_000
EPOCHS = 10
LAYER_SIZES = (784, 128, 64, 10)
LOOP_TARGETS = {("sgd", "native"): 1 / 9, ("sgd", "portable"): 1 / 6}

Results = Mapping[str, Sequence[Mapping[str, float]]]


def measure(folder: Path, rounds: int = ROUNDS, epochs: int = EPOCHS) -> list[Row]:
    """Let the article's program and ours train by turns."""
    contest = Contest(folder)
    threads_row, environment = choose_threads(contest, rounds)
    contestants = {
        "article, sgd": contest.article("sgd", epochs, environment),
        "dvc repro": contest.repro(epochs),
        "sgd, native": contest.loop("sgd", epochs, "native"),
        "sgd, portable": contest.loop("sgd", epochs, "portable"),
        "matrix rate": contest.matrix_rate,
        "article, adam": contest.article("adam", epochs, environment),
        "dvc exp run": contest.experiment,
        "adam, native": contest.loop("adam", epochs, "native"),
        "adam, portable": contest.loop("adam", epochs, "portable"),
    }
    results = interleave(contestants, rounds)
    return [
        threads_row,
        *compare_loops(results),
        compare_with_floor(results, epochs),
        *compare_whole(results),
        *compare_all_accuracies(results),
    ]


def choose_threads(contest: Contest, rounds: int) -> tuple[Row, dict[str, str]]:
    """Find the number of threads with which the article's program is faster here, as environment variables."""
    settings: dict[str, dict[str, str]] = {"all threads": {}, "one thread": {"OMP_NUM_THREADS": "1"}}
    results = interleave({name: contest.article("sgd", 1, setting) for name, setting in settings.items()}, rounds)
    seconds = {name: column(results, name, "seconds") for name in settings}
    fastest = min(settings, key=lambda name: statistics.median(seconds[name]))
    what = f"the article's loop, an epoch, all threads against one ({fastest} in what follows)"
    return compare(what, seconds["all threads"], seconds["one thread"], "s"), settings[fastest]


def column(results: Results, contestant: str, key: str) -> list[float]:
    """List what a contestant came to, round by round."""
    return [result[key] for result in results[contestant]]


def compare_loops(results: Results) -> list[Row]:
    """Compare the training loops alone."""
    return [
        compare(
            f"training loop, {optimizer}, {numerics}, one thread, against the article's loop",
            column(results, f"{optimizer}, {numerics}", "seconds"),
            column(results, f"article, {optimizer}", "seconds"),
            "s",
            LOOP_TARGETS.get((optimizer, numerics)),
        )
        for optimizer in ("sgd", "adam")
        for numerics in ("native", "portable")
    ]


def compare_with_floor(results: Results, epochs: int) -> Row:
    """Compare the native loop with the time that its multiplications alone take at the processor's matrix rate."""
    operations = epochs * IMAGES * count_operations(LAYER_SIZES)
    best = max(results["matrix rate"], key=lambda result: result["rate"])
    peak = f"{best['rate'] / 1e9:.0f} GFLOP/s, torch.mm of {best['size']} x {best['size']}"
    return compare(
        f"training loop, sgd, native, against the floor for one thread ({operations / 1e9:.0f} GFLOP at {peak})",
        column(results, "sgd, native", "seconds"),
        [operations / rate for rate in column(results, "matrix rate", "rate")],
        "s",
        at_most=3,
    )


def count_operations(layer_sizes: Sequence[int]) -> int:
    """Count the floating-point operations for an image, forward and backward, biases and ReLU left out.

    A layer's multiplication is done forward, for the gradient of its weights and, but in the first layer, for the
    gradient of its input.
    """
    multiplications = [inputs * outputs for inputs, outputs in pairwise(layer_sizes)]
    return 2 * (3 * sum(multiplications) - multiplications[0])


def compare_whole(results: Results) -> list[Row]:
    """Compare what a user types with the article's whole program."""
    return [
        compare(
            "`dvc repro` from fresh, whole, against the article's whole program",
            column(results, "dvc repro", "whole"),
            column(results, "article, sgd", "whole"),
            "s",
            at_most=0.4,
        ),
        compare(
            "`dvc exp run -S optimizer=adam -S lr=0.001` against the article's program with Adam",
            column(results, "dvc exp run", "whole"),
            column(results, "article, adam", "whole"),
            "s",
            at_most=0.35,
        ),
    ]


def compare_all_accuracies(results: Results) -> list[Row]:
    """Compare the accuracies, over the seeds."""
    ours = {"sgd, native": "sgd", "dvc repro": "sgd", "adam, native": "adam", "dvc exp run": "adam"}
    return [
        compare_accuracies(
            f"test accuracy over {len(results[contestant])} seeds, {contestant}, against the article's",
            column(results, contestant, "accuracy"),
            column(results, f"article, {optimizer}", "accuracy"),
        )
        for contestant, optimizer in ours.items()
    ]
