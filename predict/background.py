"""Separate what is on the paper from its frame, from the light on it, and from what goes on beyond the picture."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.morphology._grayreconstruct import reconstruction_loop

from predict.rules import RULES

Array = NDArray[np.float32]
Box = tuple[int, int, int, int]  # top, left, bottom, right; the last two are excluded


def find_paper(gray: Array) -> Box:
    """Return the part of a picture without a frame, or strips at some of its sides."""
    top, left = 0, 0
    bottom, right = gray.shape
    while True:
        before = top, left, bottom, right
        top += measure_frame(gray[top:bottom, left:right])
        bottom -= measure_frame(gray[top:bottom, left:right][::-1])
        left += measure_frame(gray[top:bottom, left:right].T)
        right -= measure_frame(gray[top:bottom, left:right].T[::-1])
        if before == (top, left, bottom, right):
            return before


def measure_frame(gray: Array) -> int:
    """Count the rows of a frame at the top.

    All its rows are darker than three rows further in, or all lighter, along most of their length. So it is neither the
    paper above a line, or above the top of a seven, nor a shadow, whose edge is soft.
    """
    depth = int(RULES.frame_depth * len(gray))
    starts = [2, 2 + max(3, len(gray) // 40), len(gray) // 4]
    if depth + max(starts) > len(gray):
        return 0
    inner = [gray[start : start + depth] for start in starts]
    lighter = np.minimum.reduce(inner) - np.maximum.accumulate(gray[:depth]) > RULES.frame_step
    darker = np.minimum.accumulate(gray[:depth]) - np.maximum.reduce(inner) > RULES.frame_step
    edges = np.maximum(lighter.mean(axis=1), darker.mean(axis=1)) >= RULES.frame_edge
    return int(np.flatnonzero(edges)[-1]) + 2 if edges.any() else 0


def measure_darkness(gray: Array) -> tuple[Array, float]:
    """Return how much darker than its paper each pixel is, or lighter than a dark background, and the noise of that.

    A shadow darkens ink and paper by the same factor, so it is the ratio that counts. The noise is a standard
    deviation; it has been subtracted three times. Both are 0 to 255, the first in whole numbers.
    """
    grid = reduce(gray, RULES.grid_size)
    around = ndimage.uniform_filter(grid, max(grid.shape) // 2 | 1, mode="nearest")
    if ((grid - around) ** 3).sum() > 0:  # the larger deviations are lighter: light ink on dark
        gray, grid = 255 - gray, 255 - grid
    # Closing removes what is dark and narrower than the widest stroke.
    closed = ndimage.grey_closing(grid, int(RULES.widest_stroke * max(grid.shape)) | 1)
    paper = np.asarray(Image.fromarray(closed).resize(gray.shape[::-1], Image.Resampling.BILINEAR))
    darkness = (paper - gray) * (255 / np.maximum(paper, RULES.darkest_paper))
    # The texture of the paper is seen in the lightest third, which is never ink: its deviation, as if it were normal.
    lightest, light = quantiles(darkness, 0.1, 0.3)
    noise = max(measure_noise(darkness), (light - lightest) / 0.757)
    level = max(light, 0) + 3 * noise
    return np.floor(np.maximum(darkness - level, 0) + 0.5), noise


def measure_noise(values: Array) -> float:
    """Estimate the standard deviation of noise, as if it were normal, by the neighbors in a row: few are on an edge."""
    differences = np.abs(values[:, 1:] - values[:, :-1])
    return 1.4826 * quantiles(differences, 0.5)[0] / math.sqrt(2) if differences.size else 0.0


def remove_surroundings(darkness: Array) -> Array:
    """Remove what is connected with the border: the dark corners of a photo, ruled lines, the table's edge.

    Ink on a ruled line stays, as far as it is darker than the line. The grayscale reconstruction is, at each pixel, how
    dark a path from the border to it can stay. It is scikit-image's `reconstruction` for whole numbers: in that
    function, to sort them as floating-point numbers takes most of the time of a prediction.
    """
    mask = np.pad(darkness.astype(np.uint8), 1)
    border = mask.copy()
    border[2:-2, 2:-2] = 0
    values = np.stack([border, mask]).ravel()
    order = values.argsort(kind="stable")[::-1].astype(np.int32)
    previous, following = np.full((2, values.size), -1, np.int32)
    previous[order[1:]], following[order[:-1]] = order[:-1], order[1:]
    row = mask.shape[1]
    neighbors = np.array([-row - 1, -row, 1 - row, -1, 1, row - 1, row, row + 1], np.int32)
    paths = values.astype(np.uint32)
    reconstruction_loop(paths, previous, following, neighbors, order[0], mask.size)
    return darkness - paths[: mask.size].reshape(mask.shape)[1:-1, 1:-1].astype(np.float32)


def reduce(gray: Array, size: int) -> Array:
    """Average squares of pixels, so that the longer side has at most `size`."""
    factor = find_factor(gray, size)
    return gray if factor == 1 else np.asarray(Image.fromarray(gray).reduce(factor))


def find_factor(gray: NDArray[Any], size: int) -> int:
    """Return the side of the squares that `reduce` averages."""
    longer: int = max(gray.shape)
    return -(-longer // size)


def quantiles(values: Array, *shares: float) -> list[float]:
    """Return the values below which these shares of the values are; numpy's function takes ten times as long."""
    ordered = np.sort(values, axis=None)
    return [float(ordered[int(share * (ordered.size - 1))]) for share in shares]
