import json

import numpy as np

from bench import growth
from bench.generate import generate
from bench.measure import Run


def make_run(seconds: float, epoch_ends: list[float], megabytes: float = 0) -> Run:
    return Run(99, megabytes, json.dumps({"seconds": seconds, "epoch_ends": epoch_ends}), "")


def test_epochs_are_compared_by_the_time_of_one() -> None:
    runs = {1: [make_run(2, [2])], 4: [make_run(5, [2, 3, 4, 5])]}
    [row] = growth.compare_epochs(runs)
    assert row[:4] == (
        "training loop, time an epoch, 4 epochs against 1",
        *("1.25 s", "2.00 s", "0.625 (0.625 to 0.625)"),
    )


def test_images_are_compared_by_the_second_epoch() -> None:
    runs = {60_000: [make_run(9, [8, 8.6])], 600_000: [make_run(9, [1, 7.899])], 15_000: [make_run(9, [1, 1.3])]}
    large, small = growth.compare_images(runs)
    assert large == (
        "training loop, time an image, 600,000 images against 60,000",
        *("11.5 µs", "10.0 µs", "1.15 (1.15 to 1.15)", "at most 1.15", "yes"),
    )
    assert small[3:] == ("2.00 (2.00 to 2.00)", "", "")


def test_memory_is_compared_with_the_images() -> None:
    runs = {60_000: [make_run(0, [], megabytes=376.32)], 15_000: [make_run(0, [], megabytes=100)]}
    small, large = growth.compare_memory(runs)
    assert small.what == "peak memory of training, 15,000 images, against the images alone"
    assert large[1:4] == ("376 MB", "188 MB", "2.00 (2.00 to 2.00)")


def test_generated_images_are_of_the_range_of_ours_and_tell_their_label() -> None:
    images, labels = generate(50, np.random.default_rng(0))
    assert images.shape == (50, 28, 28)
    assert images.dtype == np.float32
    assert -1 <= images.min() < -0.9
    assert 0.9 < images.max() <= 1
    np.testing.assert_array_equal(images.mean(axis=2).argmax(axis=1), 2 * labels)
