"""Metrics of the test set."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support
from torch import Tensor
from torch.nn import functional

from stages.shared.shapes import CLASSES

CALIBRATION_BINS = 15


def tabulate_classes(labels: NDArray[np.int64], predictions: NDArray[np.int64]) -> pd.DataFrame:
    """Compute precision, recall, F1 and support, one row for each class; 0 / 0 is 0."""
    columns = precision_recall_fscore_support(labels, predictions, labels=range(CLASSES), zero_division=0)
    table = pd.DataFrame(dict(zip(("precision", "recall", "f1", "support"), columns, strict=True)))
    return table.rename_axis("class")


def mean_cross_entropy(logits: Tensor, labels: Tensor) -> float:
    """Compute the mean cross entropy in nats. It is the test loss of every run, so that runs with mse compare too."""
    losses = functional.cross_entropy(logits, labels, reduction="none")
    return math.fsum(losses.tolist()) / len(labels)  # exact: independent of the order of additions


def expected_calibration_error(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float:
    """Compute the expected difference between confidence and accuracy, from 0 to 1.

    The images are binned by the probability of the predicted class; the gap of a bin is weighted by its images.
    Source: Guo et al., On Calibration of Modern Neural Networks, arXiv:1706.04599, equation 3.
    """
    confidences = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidences * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [
        abs(math.fsum(correct[bins == bin_number]) - math.fsum(confidences[bins == bin_number]))
        for bin_number in range(CALIBRATION_BINS)
    ]
    return math.fsum(gaps) / len(labels)
