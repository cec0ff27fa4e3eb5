"""The figures of a test: by class, and over all of it."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support
from torch import Tensor
from torch.nn import functional

from stages.shared.shapes import CLASSES

CALIBRATION_BINS = 15


def tabulate_classes(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> pd.DataFrame:
    """Tabulate precision, recall, F1 and support, one row a class. A ratio of 0 to 0 is given as 0."""
    columns = precision_recall_fscore_support(labels, predicted, labels=range(CLASSES), zero_division=0)
    table = pd.DataFrame(dict(zip(("precision", "recall", "f1", "support"), columns, strict=True)))
    return table.rename_axis("class")


def mean_cross_entropy(logits: Tensor, labels: Tensor) -> float:
    """Compute the mean cross entropy, in nats, whatever loss the training minimized, so that all runs compare."""
    losses = functional.cross_entropy(logits, labels, reduction="none")
    return math.fsum(losses.tolist()) / len(labels)  # exact, so it depends on no order of additions


def expected_calibration_error(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> float:
    """Compute how far confidence and accuracy lie apart, from 0 to 1.

    The images are binned by the probability of the predicted class; each bin's gap counts by its share of the images.
    Source: Guo et al., On Calibration of Modern Neural Networks, arXiv:1706.04599, equation 3.
    """
    confidences = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidences * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [
        abs(math.fsum(right[bins == bin_number]) - math.fsum(confidences[bins == bin_number]))
        for bin_number in range(CALIBRATION_BINS)
    ]
    return math.fsum(gaps) / len(labels)
