"""How time and memory grow with the epochs, and with the images.

In native numerics: where computing takes the least time, whatever else grows shows the most.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.clone import Clone
from bench.comparison import Row, compare
from bench.measure import ROUNDS, Run, interleave

EPOCHS = (1, 2, 4, 8)
IMAGES = (60_000, 15_000, 240_000, 600_000)  # all are compared with the first
IMAGE_MEGABYTES = 28 * 28 * 4 / 1e6  # as float32
TIME_TARGETS = {600_000: 1.15}

Runs = Mapping[int, Sequence[Run]]


def measure(folder: Path, rounds: int = ROUNDS, images: Sequence[int] = IMAGES) -> list[Row]:
    """Train on generated images: for more and more epochs, then on more and more images."""
    clone = Clone.of_head(folder / "clone")
    for count in images:
        clone.run("python", "-m", "bench.generate", f"generated/{count}", str(count))

    def train(count: int, epochs: int, _round: int) -> Run:
        options = ("--numerics", "native", "--epochs", str(epochs))
        return clone.run("python", "-m", "bench.loop", f"generated/{count}", *options)

    by_epochs = interleave({epochs: partial(train, images[0], epochs) for epochs in EPOCHS}, rounds)
    by_images = interleave({count: partial(train, count, 2) for count in images}, rounds)
    return [*compare_epochs(by_epochs), *compare_images(by_images), *compare_memory(by_images)]


def compare_epochs(runs: Runs) -> list[Row]:
    """Compare the time of an epoch where there are several with that where there is one."""
    seconds = {epochs: [run.report()["seconds"] / epochs for run in runs[epochs]] for epochs in runs}
    first, *others = seconds
    return [
        compare(f"training loop, time an epoch, {epochs} epochs against {first}", seconds[epochs], seconds[first], "s")
        for epochs in others
    ]


def compare_images(runs: Runs) -> list[Row]:
    """Compare the time an image."""
    microseconds = {count: [1e6 * time_second_epoch(run) / count for run in runs[count]] for count in runs}
    first, *others = microseconds
    return [
        compare(
            f"training loop, time an image, {count:,} images against {first:,}",
            microseconds[count],
            microseconds[first],
            "µs",
            TIME_TARGETS.get(count),
        )
        for count in others
    ]


def time_second_epoch(run: Run) -> float:
    """Return the seconds of the second of two epochs: the first also sets up."""
    first, second = run.report()["epoch_ends"]
    return float(second - first)


def compare_memory(runs: Runs) -> list[Row]:
    """Compare the peak memory with that of the images themselves."""
    return [
        compare(
            f"peak memory of training, {count:,} images, against the images alone",
            [run.peak_megabytes for run in runs[count]],
            [count * IMAGE_MEGABYTES] * len(runs[count]),
            "MB",
        )
        for count in sorted(runs)
    ]
