import numpy as np
import pytest

from stages.shared.metrics import expected_calibration_error


def test_expected_calibration_error() -> None:
    """Two images with confidence 0.9, one correct; one with 0.2, incorrect; one with 1, correct."""
    probabilities = np.full((4, 10), 0.0)
    for image, (confidence, prediction) in enumerate([(0.9, 1), (0.9, 1), (0.2, 2), (1.0, 3)]):
        probabilities[image] = (1 - confidence) / 9
        probabilities[image, prediction] = confidence
    error = expected_calibration_error(np.array([1, 0, 5, 3]), probabilities)
    assert error == pytest.approx((abs(1 - 1.8) + 0.2 + 0) / 4)
