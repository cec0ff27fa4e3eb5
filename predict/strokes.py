"""Bring strokes to a width that the network knows."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from predict.background import Array
from predict.rules import RULES

SQUARE = np.ones((3, 3), np.bool_)


def normalize_strokes(ink: Array) -> Array:
    """Thicken strokes that would fade, and thin those that would clog, when the ink is scaled down."""
    width, size = measure_strokes(ink)
    factor = -(-RULES.fine_ink // size)
    if factor > 1:
        larger = np.asarray(
            Image.fromarray(ink).resize((ink.shape[1] * factor, ink.shape[0] * factor), Image.Resampling.BILINEAR)
        )
        width, size = measure_strokes(larger)
    if RULES.thinnest_stroke * size <= width <= RULES.thickest_stroke * size:
        return ink
    if factor > 1:
        ink = larger
    thin = width < RULES.thinnest_stroke * size
    missing = (RULES.thin_stroke if thin else RULES.thick_stroke) * size - width
    change = 2 * int(abs(missing) / 2 + 0.5) + 1  # an odd number of pixels
    if thin:
        return np.asarray(ndimage.grey_dilation(np.pad(ink, change // 2), change))
    return np.asarray(ndimage.grey_erosion(np.pad(ink, 1), change))


def measure_strokes(ink: Array) -> tuple[float, int]:
    """Return the width of the strokes, twice their area by the length of their outline, and the ink's longer side."""
    strokes = np.pad(ink > min(127, ink.max() / 2), 1)  # a digit may be paler than the other ink
    rows, columns = np.nonzero(strokes)
    outline = np.count_nonzero(find_outline(strokes))
    return 2 * len(rows) / outline, 1 + int(max(np.ptp(rows), np.ptp(columns)))


def find_outline(strokes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of strokes that have a neighbor outside."""
    return np.asarray(strokes & ~ndimage.binary_erosion(strokes, SQUARE))
