"""Where the ink of images is: what `predict` and the page need to prepare a picture as those of the training set."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.shared.datasets import InkCenter

SHARE = 0.95  # of the images that must be so


class Ink(NamedTuple):
    """Pixels of the longer side of the ink's bounding box, and which of its centers is that of the image."""

    size: int
    center: InkCenter


def find_ink(images: NDArray[np.uint8]) -> Ink | None:
    """Measure the ink of gray images, of shape (n, height, width).

    None if they are not light on black with an empty border, with ink of the same size: their pictures are scaled as a
    whole. The center is that whose place varies less.
    """
    columns, rows = images.max(axis=1) > 0, images.max(axis=2) > 0
    has_border = ~(rows[:, [0, -1]].any(axis=1) | columns[:, [0, -1]].any(axis=1)) & rows.any(axis=1)
    if has_border.mean() < SHARE:
        return None
    images, columns, rows = images[has_border], columns[has_border], rows[has_border]
    tops, bottoms = rows.argmax(axis=1), rows.shape[1] - rows[:, ::-1].argmax(axis=1)
    widths = columns.shape[1] - columns[:, ::-1].argmax(axis=1) - columns.argmax(axis=1)
    sizes = np.maximum(bottoms - tops, widths)
    size = int(np.median(sizes))
    if (abs(sizes - size) <= 1).mean() < SHARE:
        return None
    sums = images.sum(axis=2, dtype=np.int64)
    masses = sums @ (np.arange(rows.shape[1]) + 0.5) / sums.sum(axis=1)
    return Ink(size, "mass" if masses.std() < ((tops + bottoms) / 2).std() else "box")
