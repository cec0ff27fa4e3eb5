import math

import numpy as np
import pytest
import torch
from sklearn.metrics import precision_recall_fscore_support
from torch.nn import functional

from stages.shared.scores import exp, expected_calibration_error, log_softmax, mean_cross_entropy, tabulate_classes


@pytest.mark.parametrize("classes", [range(10), [3, 7]])  # with two, there are classes without images and predictions
def test_class_metrics_equal_sklearn(classes: list[int]) -> None:
    labels, predictions = np.random.default_rng(0).choice(classes, size=(2, 100))
    columns = precision_recall_fscore_support(labels, predictions, labels=range(10), zero_division=0)
    table = tabulate_classes(labels, predictions)
    assert list(table) == ["precision", "recall", "f1", "support"]
    np.testing.assert_allclose(table.to_numpy(), np.transpose(columns), rtol=1e-15, atol=0)


def test_probabilities_and_loss_equal_pytorch() -> None:
    logits, labels = 10 * torch.randn(50, 10), torch.randint(0, 10, (50,))
    log_probabilities = log_softmax(logits.numpy())
    np.testing.assert_allclose(exp(log_probabilities), functional.softmax(logits.double(), dim=1), rtol=1e-12)
    expected = functional.cross_entropy(logits.double(), labels)
    assert mean_cross_entropy(log_probabilities, labels.numpy()) == pytest.approx(expected.item(), rel=1e-12)


def test_mean_cross_entropy() -> None:
    logits = np.zeros((2, 10), np.float32)
    logits[1, 4] = math.log(9)
    loss = mean_cross_entropy(log_softmax(logits), np.array([7, 4]))
    assert loss == pytest.approx((math.log(10) + math.log(2)) / 2)


def test_large_logits() -> None:
    logits = np.zeros((1, 10), np.float32)
    logits[0, 0] = 3e38
    assert mean_cross_entropy(log_softmax(logits), np.array([0])) == 0
    assert mean_cross_entropy(log_softmax(logits), np.array([1])) == pytest.approx(3e38)


def test_expected_calibration_error() -> None:
    """Two images with confidence 0.9, one correct; one with 0.2, incorrect; one with 1, correct."""
    probabilities = np.full((4, 10), 0.0)
    for image, (confidence, prediction) in enumerate([(0.9, 1), (0.9, 1), (0.2, 2), (1.0, 3)]):
        probabilities[image] = (1 - confidence) / 9
        probabilities[image, prediction] = confidence
    error = expected_calibration_error(np.array([1, 0, 5, 3]), probabilities)
    assert error == pytest.approx((abs(1 - 1.8) + 0.2 + 0) / 4)
