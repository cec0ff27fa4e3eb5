"""Bring strokes to a width and a slant that the network knows."""

import math

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
    missing = (RULES.stroke * size - width) / 2  # at each side of a stroke
    if missing > 0:
        margin = int(missing + 0.5)
        return np.asarray(ndimage.grey_dilation(np.pad(ink, margin), 2 * margin + 1))
    depths = ndimage.distance_transform_edt(find_strokes(ink))[1:-1, 1:-1]
    return np.where(depths > -missing, ink, 0)


def remove_slant(ink: Array) -> Array:
    """Shear the ink: each row moves by a length proportional to its distance from the mean row.

    The slant is the slope of the regression of columns on rows, weighted by the ink.
    """
    rows, columns = np.nonzero(ink)
    weights = ink[rows, columns]
    (variance, covariance), _ = np.cov(rows, columns, aweights=weights, ddof=0)
    slope = RULES.slant * covariance / max(variance, 1)
    height, width = ink.shape
    margin = math.ceil(abs(slope) * height)
    offset = (0, -slope * np.average(rows, weights=weights) - margin)
    shape = (height, width + 2 * margin)
    return np.asarray(ndimage.affine_transform(ink, [[1, 0], [slope, 1]], offset, shape, order=1, mode="grid-constant"))


def measure_strokes(ink: Array) -> tuple[float, int]:
    """Return the width of the strokes, twice their area by the length of their outline, and the ink's longer side."""
    strokes = find_strokes(ink)
    rows, columns = np.nonzero(strokes)
    outline = np.count_nonzero(find_outline(strokes))
    return 2 * len(rows) / outline, 1 + int(max(np.ptp(rows), np.ptp(columns)))


def find_strokes(ink: Array) -> NDArray[np.bool_]:
    """Tell ink from its soft edge, in an array with a margin of one pixel."""
    return np.pad(ink > min(127, ink.max() / 2), 1)  # a digit may be paler than the other ink


def find_outline(strokes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of strokes that have a neighbor outside."""
    return np.asarray(strokes & ~ndimage.binary_erosion(strokes, SQUARE))
