"""Metrics that scikit-learn does not have."""

import math

import numpy as np
from numpy.typing import NDArray

CALIBRATION_BINS = 15


def expected_calibration_error(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Compute the expected difference between confidence and accuracy, from 0 to 1.

    Takes labels of shape (n,) and probabilities of shape (n, classes). The images are binned by the probability of the
    predicted class; the gap of a bin is weighted by its images.
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
