import json

from bench import scaling
from bench.runner import Run


def make_run(training_seconds: float, epoch_ends: list[float], megabytes: float = 0) -> Run:
    return Run(99, megabytes, json.dumps({"training_seconds": training_seconds, "epoch_ends": epoch_ends}), "")


def test_compare_epochs() -> None:
    runs = {1: [make_run(2, [2])], 4: [make_run(5, [2, 3, 4, 5])]}
    [row] = scaling.compare_epochs(runs)
    assert row[:4] == (
        "training loop, time per epoch, 4 epochs against 1",
        *("1.25 s", "2.00 s", "0.625 (0.625 to 0.625)"),
    )


def test_compare_images() -> None:
    runs = {60_000: [make_run(9, [8, 8.6])], 600_000: [make_run(9, [1, 7.899])], 15_000: [make_run(9, [1, 1.3])]}
    large, small = scaling.compare_images(runs)
    assert large == (
        "training loop, time per image, 600,000 images against 60,000",
        *("11.5 µs", "10.0 µs", "1.15 (1.15 to 1.15)", "at most 1.15", "yes"),
    )
    assert small[3:] == ("2.00 (2.00 to 2.00)", "", "")


def test_compare_memory() -> None:
    runs = {60_000: [make_run(0, [], megabytes=376.32)], 15_000: [make_run(0, [], megabytes=100)]}
    small, large = scaling.compare_memory(runs)
    assert small.what == "peak memory of training, 15,000 images, against the size of the images"
    assert large[1:4] == ("376 MB", "188 MB", "2.00 (2.00 to 2.00)")
