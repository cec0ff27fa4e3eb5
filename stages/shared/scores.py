"""Metrics of the test set."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.shared.shapes import CLASSES

CALIBRATION_BINS = 15


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute the logarithm of the probabilities of the classes, of shape (n, 10).

    With math.exp and math.log: those of numpy differ between processors in the last bits.
    """
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    log_sums = [math.log(math.fsum(map(math.exp, row))) for row in shifted.tolist()]
    return np.asarray(shifted - np.reshape(log_sums, (-1, 1)))


def exp(log_probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the probabilities."""
    return np.array([list(map(math.exp, row)) for row in log_probabilities.tolist()])


def mean_cross_entropy(log_probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Compute the mean cross entropy in nats. It is the test loss of every run, so that runs with mse compare too."""
    return -math.fsum(log_probabilities[np.arange(len(labels)), labels]) / len(labels)


def tabulate_classes(labels: NDArray[np.int64], predictions: NDArray[np.int64]) -> pd.DataFrame:
    """Compute precision, recall, F1 and support, one row for each class; 0 / 0 is 0.

    Not by scikit-learn, whose metrics take longer to import than all else that evaluate does.
    """
    correct = np.bincount(labels[predictions == labels], minlength=CLASSES)
    support, predicted = (np.bincount(classes, minlength=CLASSES) for classes in (labels, predictions))
    table = pd.DataFrame(
        {
            "precision": correct / np.maximum(predicted, 1),
            "recall": correct / np.maximum(support, 1),
            "f1": 2 * correct / np.maximum(predicted + support, 1),
            "support": support,
        }
    )
    return table.rename_axis("class")


def expected_calibration_error(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Compute the expected difference between confidence and accuracy, from 0 to 1.

    The images are binned by the probability of the predicted class; the gap of a bin is weighted by its images.
    Source: Guo et al., On Calibration of Modern Neural Networks, arXiv:1706.04599, equation 3.
    """
    confidences = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidences * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [
        abs(math.fsum(correct[bins == bin_number]) - math.fsum(confidences[bins == bin_number]))
        for bin_number in range(CALIBRATION_BINS)
    ]
    return math.fsum(gaps) / len(labels)
