"""Normalization of pixels."""

import numpy as np
from numpy.typing import NDArray


def normalize(images: NDArray[np.uint8], mean: float, std: float) -> NDArray[np.float32]:
    """Compute (x / 255 - mean) / std in float32, as torchvision's ToTensor and Normalize do."""
    normalized = images.astype(np.float32)
    normalized /= np.float32(255)
    normalized -= np.float32(mean)
    normalized /= np.float32(std)
    return normalized
