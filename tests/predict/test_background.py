import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import reconstruction

from predict.background import remove_surroundings


@pytest.mark.parametrize("shape", [(90, 120), (28, 28), (3, 200), (2, 2), (1, 5)], ids=str)
def test_removes_the_reconstruction_of_scikit_image(shape: tuple[int, int]) -> None:
    blurred = ndimage.gaussian_filter(np.random.default_rng(0).normal(0, 1, shape), 2)
    darkness = np.maximum(np.round(255 * blurred / np.abs(blurred).max()), 0).astype(np.float32)
    border = darkness.copy()
    border[1:-1, 1:-1] = 0
    np.testing.assert_array_equal(remove_surroundings(darkness), darkness - reconstruction(border, darkness))
