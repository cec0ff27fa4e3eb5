import math

import numpy as np
import pytest
import torch

from stages.evaluate.scores import expected_calibration_error, mean_cross_entropy, tabulate_classes


def test_class_metrics() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    predictions = np.array([0, 0, 1, 1, 0, 3])
    table = tabulate_classes(labels, predictions)
    assert table.to_numpy()[0].tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 3])
    assert table.to_numpy()[1].tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 2, 2])
    assert table.to_numpy()[2].tolist() == [0, 0, 0, 1]
    assert table.to_numpy()[9].tolist() == [0, 0, 0, 0]


def test_mean_cross_entropy() -> None:
    logits = torch.zeros(2, 10)
    logits[1, 4] = math.log(9)
    loss = mean_cross_entropy(logits, torch.tensor([7, 4]))
    assert loss == pytest.approx((math.log(10) + math.log(2)) / 2)


def test_expected_calibration_error() -> None:
    """Two images with confidence 0.9, one correct; one with 0.2, incorrect; one with 1, correct."""
    probabilities = np.full((4, 10), 0.0)
    for image, (confidence, prediction) in enumerate([(0.9, 1), (0.9, 1), (0.2, 2), (1.0, 3)]):
        probabilities[image] = (1 - confidence) / 9
        probabilities[image, prediction] = confidence
    error = expected_calibration_error(np.array([1, 0, 5, 3]), probabilities.astype(np.float32))
    assert error == pytest.approx((abs(1 - 1.8) + 0.2 + 0) / 4)
