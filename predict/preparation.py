"""Prepare ink for the network as MNIST's authors did: cropped, scaled to fit a box, placed in 28 x 28.

The page models/draw.html does the same in JavaScript.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from predict.errors import PredictError

IMAGE_SIZE = 28


def fit(ink: NDArray[np.float32], size: int, center: str) -> NDArray[np.uint8]:
    """Scale ink of shape (height, width), 0 to 255, to fit `size` x `size` pixels, and place it in a 28 x 28 image.

    With the center "mass", the center of mass becomes pixel 14 of both axes, as in MNIST; with "box", the bounding box
    is centered.

    Raises:
        PredictError: there is no ink, or too little for 28 x 28 pixels.
    """
    if not (ink > 0).any():
        raise PredictError("empty: it has no ink")
    box = resize(crop(ink), size)
    if not box.any():
        raise PredictError("empty: its ink is too faint")
    height, width = box.shape
    if center == "mass":
        total = box.sum(dtype=np.float64)
        top = round_half_up(IMAGE_SIZE / 2 - box.sum(axis=1) @ np.arange(height) / total)
        left = round_half_up(IMAGE_SIZE / 2 - box.sum(axis=0) @ np.arange(width) / total)
    else:
        top, left = (IMAGE_SIZE - height) // 2, (IMAGE_SIZE - width) // 2
    top = min(max(top, 0), IMAGE_SIZE - height)
    left = min(max(left, 0), IMAGE_SIZE - width)
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    image[top : top + height, left : left + width] = box
    return image


def crop(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Crop ink to the bounding box of what is above 0."""
    rows = np.flatnonzero((ink > 0).any(axis=1))
    columns = np.flatnonzero((ink > 0).any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def resize(ink: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """Scale ink with its proportions, anti-aliased, so that the longer side becomes `size` pixels."""
    longer = max(ink.shape)
    height, width = (max(1, round_half_up(side * size / longer)) for side in ink.shape)
    resized = Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR)
    return np.floor(np.asarray(resized) + 0.5).clip(0, 255).astype(np.uint8)


def round_half_up(value: float) -> int:
    """Round as JavaScript's Math.round does."""
    return int(np.floor(value + 0.5))
