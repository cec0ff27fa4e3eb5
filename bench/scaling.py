"""Benchmark of how training time and memory scale with the number of epochs and of images.

Uses native numerics: computation takes the least time there, so any other cost that grows is most visible.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.clone import Clone
from bench.comparison import Row, compare
from bench.runner import ROUNDS, Run, interleave

EPOCHS = (1, 2, 4, 8)  # the first is the reference
IMAGES = (60_000, 15_000, 240_000, 600_000)  # the first is the reference
IMAGE_MEGABYTES = 28 * 28 * 4 / 1e6  # as float32
TIME_TARGETS = {600_000: 1.15}  # largest ratio, by number of images

Runs = Mapping[int, Sequence[Run]]  # by number of epochs or of images


def measure(folder: Path, rounds: int = ROUNDS, images: Sequence[int] = IMAGES) -> list[Row]:
    """Train on synthetic images: first with varying numbers of epochs, then with varying numbers of images."""
    clone = Clone.of_head(folder / "clone")
    for count in images:
        clone.run("python", "-m", "bench.generate", f"generated/{count}", str(count))

    def train(count: int, epochs: int, _round: int) -> Run:
        options = ("--numerics", "native", "--epochs", str(epochs))
        return clone.run("python", "-m", "bench.training_loop", f"generated/{count}", *options)

    by_epochs = interleave({epochs: partial(train, images[0], epochs) for epochs in EPOCHS}, rounds)
    by_images = interleave({count: partial(train, count, 2) for count in images}, rounds)
    return [*compare_epochs(by_epochs), *compare_images(by_images), *compare_memory(by_images)]


def compare_epochs(runs: Runs) -> list[Row]:
    """Build a row for each number of epochs but the first: time per epoch, in seconds."""
    seconds = {
        epochs: [run.parse_report()["training_seconds"] / epochs for run in runs_of_epochs]
        for epochs, runs_of_epochs in runs.items()
    }
    reference, *others = seconds
    return [
        compare(
            f"training loop, time per epoch, {epochs} epochs against {reference}",
            seconds[epochs],
            seconds[reference],
            "s",
        )
        for epochs in others
    ]


def compare_images(runs: Runs) -> list[Row]:
    """Build a row for each number of images but the first: time per image, in microseconds."""
    microseconds = {count: [1e6 * time_second_epoch(run) / count for run in runs[count]] for count in runs}
    reference, *others = microseconds
    return [
        compare(
            f"training loop, time per image, {count:,} images against {reference:,}",
            microseconds[count],
            microseconds[reference],
            "µs",
            TIME_TARGETS.get(count),
        )
        for count in others
    ]


def time_second_epoch(run: Run) -> float:
    """Return the seconds of the second of two epochs; the first includes the setup."""
    first, second = run.parse_report()["epoch_ends"]
    return float(second - first)


def compare_memory(runs: Runs) -> list[Row]:
    """Build a row for each number of images: peak memory, reference: size of the images as float32."""
    return [
        compare(
            f"peak memory of training, {count:,} images, against the size of the images",
            [run.peak_megabytes for run in runs[count]],
            [count * IMAGE_MEGABYTES] * len(runs[count]),
            "MB",
        )
        for count in sorted(runs)
    ]
