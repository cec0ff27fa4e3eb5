"""Find the digits of a picture: how dark their ink is at each pixel.

The order of the steps: a frame would be taken for ink, so it goes first. Then the paper is estimated, because all that
follows is relative to it; what is connected with the border is removed before the threshold, which would join it with
the digit. Only then are there marks whose sizes and places can be compared.
"""

from functools import reduce as reduce_marks
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters.thresholding import threshold_otsu
from skimage.measure._label import label

from predict import PredictError
from predict.background import (
    Array,
    Box,
    find_factor,
    find_paper,
    measure_darkness,
    quantiles,
    reduce,
    remove_surroundings,
)
from predict.marks import Mark, choose_digits, find_panel, list_marks
from predict.rules import RULES
from predict.strokes import find_outline, normalize_strokes, remove_slant


class Sheet(NamedTuple):
    """The ink of a picture, 0 to 255, the labels of its connected parts, from 1, and the marks that these are."""

    ink: Array
    labels: NDArray[np.int64]
    marks: list[Mark]


def find_digits(gray: Array) -> list[Array]:
    """Return the ink, 0 to 255, of each digit of a gray picture, 0 to 255, from left to right.

    All are float32 of shape (height, width).

    Raises:
        PredictError: nothing that could be a digit differs from the background.
    """
    paper = find_paper(reduce(gray, RULES.working_size))
    gray = cut(gray, paper, find_factor(gray, RULES.working_size))
    sheet = read_sheet(gray)
    if sheet and (panel := find_panel(sheet.marks, sheet.labels)):
        return find_digits(cut(gray, panel, find_factor(gray, RULES.working_size)))
    digits = choose_digits(sheet.marks, sheet.ink.shape) if sheet else []
    if not digits and (sheet := read_sheet(gray, tight=True)):
        longer = max(sheet.ink.shape)
        digits = [
            digit
            for digit in choose_digits(sheet.marks, sheet.ink.shape)
            if digit.size >= RULES.tight_size * longer and digit.width >= RULES.tight_width * longer
        ]
    if not (sheet and digits):
        raise PredictError("empty: no ink differs from the background")
    closer = cut(gray, surround(digits), find_factor(gray, RULES.working_size))
    if 2 * max(closer.shape) < max(gray.shape):
        return find_digits(closer)
    return [remove_slant(normalize_strokes(extract(sheet, digit))) for digit in digits]


def cut(gray: Array, box: Box, factor: int) -> Array:
    """Return a part of a picture, whose box has been found in the picture reduced by a factor."""
    top, left, bottom, right = (max(0, factor * side) for side in box)
    return gray[top:bottom, left:right]


def surround(digits: list[Mark]) -> Box:
    """Return the box of all digits with a margin."""
    whole = reduce_marks(Mark.join, digits)
    margin = 1 + int(RULES.margin * whole.size)
    return whole.top - margin, whole.left - margin, whole.bottom + margin, whole.right + margin


def read_sheet(gray: Array, *, tight: bool = False) -> Sheet | None:
    """Separate ink from paper; None if nothing differs enough from the paper.

    A tight picture has no margin: what touches its border may be ink.
    """
    ink, noise = measure_darkness(reduce(gray, RULES.working_size))
    if not tight:
        ink = remove_surroundings(ink)
    candidates = ink[ink > RULES.min_contrast / 2]
    if not candidates.size:
        return None
    threshold = threshold_otsu(np.append(candidates, 0).astype(np.uint8))
    strokes = ink > min(threshold, ink[ink > threshold].mean() / 2)  # of ink alone, Otsu's threshold is in its middle
    [contrast] = quantiles(ink[strokes], 0.75)
    strokes &= ink > RULES.faintest * contrast
    if contrast < max(RULES.min_contrast, RULES.min_noise_ratio * noise) or is_blurred(ink, strokes, contrast):
        return None
    if tight and contrast < RULES.tight_contrast:
        return None
    ink = np.where(ink > RULES.faintest * contrast, (ink * (255 / contrast)).clip(0, 255), 0).astype(np.float32)
    labels = label(strokes, connectivity=2)
    return Sheet(ink, labels, list_marks(labels))


def is_blurred(ink: Array, strokes: NDArray[np.bool_], contrast: float) -> bool:
    """Tell shadows, and the uneven light on a photo, from ink: they are faint, and their edges are wide."""
    if contrast > RULES.darkest_shadow:
        return False
    window = 2 * max(1, int(RULES.widest_edge * max(ink.shape))) + 1
    steps = ndimage.grey_dilation(ink, window) - ndimage.grey_erosion(ink, window)
    return bool(steps[find_outline(strokes)].mean() < RULES.edge_contrast * contrast)


def extract(sheet: Sheet, digit: Mark) -> Array:
    """Return the ink of a digit, with its soft edge, and without that of other marks."""
    mine = np.isin(sheet.labels, digit.labels)
    near = ndimage.grey_dilation(mine, 2 * find_factor(mine, RULES.grid_size) + 1)
    return np.where(near & (mine | (sheet.labels == 0)), sheet.ink, 0)
