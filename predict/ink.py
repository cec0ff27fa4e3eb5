"""Find the ink of a picture: how much darker than its paper each pixel is, or lighter than a dark background."""

import math
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from predict import PredictError

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Pixel = TypeVar("Pixel", np.float32, np.bool_)

WORKING_SIZE = 400  # pixels of the longer side at which ink is found
GRID_SIZE = 64  # pixels of the longer side at which the background and connected parts are computed
WIDEST_STROKE = 0.4  # of the longer side of the picture
THINNEST_STROKE = 0.08  # of the longer side of the ink; thinner ones would fade when the ink is scaled down
MIN_CONTRAST = 12  # of 255
MIN_NOISE_RATIO = 6  # of contrast and noise
FAINTEST = 0.15  # of the contrast; JPEG leaves fainter traces around a stroke
MIN_PART = 0.08  # of the area of the largest connected part; smaller ones are specks
MARGIN = 0.2  # of the longer side of the ink


def find_ink(gray: Array) -> Array:
    """Return ink, 0 to 255, of a gray picture, 0 to 255; both are float32 of shape (height, width).

    The ink is found once in the whole picture, and again around what was found, where a small digit has more pixels.

    Raises:
        PredictError: nothing differs enough from the background.
    """
    ink, factor = extract_ink(gray)
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) * factor for axis in (1, 0))
    margin = factor + int(MARGIN * max(np.ptp(rows), np.ptp(columns)))
    around = gray[max(0, rows[0] - margin) : rows[-1] + margin, max(0, columns[0] - margin) : columns[-1] + margin]
    if 2 * max(around.shape) < max(gray.shape):
        ink, _ = extract_ink(around)
    return thicken(ink)


def extract_ink(gray: Array) -> tuple[Array, int]:
    """Return the ink of the picture reduced to WORKING_SIZE, and the factor of the reduction."""
    factor = -(-max(gray.shape) // WORKING_SIZE)
    gray = reduce(gray, factor)
    grid = reduce(gray, -(-max(gray.shape) // GRID_SIZE))
    light = fit_plane(grid)
    if ((grid - light) ** 3).sum() > 0:  # the larger deviations are lighter: light ink on dark
        gray, grid, light = 255 - gray, 255 - grid, 255 - light
    # Both are at least the paper: the first too light at the ends of a gradient, the second at the edge of a shadow.
    paper = np.minimum(close(grid), light + close(grid - light))
    background = np.asarray(Image.fromarray(paper).resize(gray.shape[::-1], Image.Resampling.BILINEAR))
    ink = 255 * (1 - gray / np.maximum(background, 1))  # shadows darken ink and paper by the same factor
    noise = estimate_noise(ink)
    ink -= quantile(ink, 0.3) + 3 * noise
    candidates = ink[ink > MIN_CONTRAST / 2]
    strokes = ink > (otsu(candidates) if candidates.size else np.inf)
    contrast = quantile(ink[strokes], 0.75) if strokes.any() else 0
    if contrast < max(MIN_CONTRAST, MIN_NOISE_RATIO * noise):
        raise PredictError("empty: no ink differs from the background")
    kept = find_surroundings(strokes) & (ink > FAINTEST * contrast)
    return np.where(kept, (ink * (255 / contrast)).clip(0, 255), 0).astype(np.float32), factor


def reduce(gray: Array, factor: int) -> Array:
    """Average squares of `factor` x `factor` pixels."""
    return gray if factor == 1 else np.asarray(Image.fromarray(gray).reduce(factor))


def fit_plane(gray: Array) -> Array:
    """Fit a plane to the pixels of the border, by least squares: how the light falls on the paper."""
    coordinates, border, solve = prepare_plane(gray.shape)
    return np.asarray(coordinates @ (solve @ gray[border]), np.float32)


@lru_cache(maxsize=16)
def prepare_plane(shape: tuple[int, int]) -> tuple[NDArray[Any], Mask, NDArray[Any]]:
    """Return x, y and 1 of each pixel, which pixels are of the border, and the pseudo-inverse for these."""
    y, x = np.indices(shape, np.float64)
    coordinates = np.stack([x, y, np.ones_like(x)], axis=-1)
    border = np.ones(shape, np.bool_)
    border[1:-1, 1:-1] = False
    return coordinates, border, np.linalg.pinv(coordinates[border])


def close(gray: Array) -> Array:
    """Remove what is dark and narrower than the widest stroke (morphological closing)."""
    size = int(WIDEST_STROKE * max(gray.shape)) | 1
    return -dilate(-dilate(gray, size), size)


def dilate(gray: NDArray[Pixel], size: int) -> NDArray[Pixel]:
    """Replace each pixel by the maximum of a square of `size` pixels around it; `size` is odd."""
    for _ in range(2):
        widened = gray.copy()
        for shift in range(1, min(size // 2 + 1, len(gray))):
            np.maximum(widened[shift:], gray[:-shift], out=widened[shift:])
            np.maximum(widened[:-shift], gray[shift:], out=widened[:-shift])
        gray = widened.T
    return gray


def estimate_noise(gray: Array) -> float:
    """Estimate the standard deviation of noise from the differences between neighbors, of which few are edges."""
    differences = np.abs(gray[:, 1:] - gray[:, :-1])
    return 1.4826 * quantile(differences, 0.5) / math.sqrt(2) if differences.size else 0.0


def quantile(values: Array, share: float) -> float:
    """Return the value below which `share` of the values are; numpy's function takes ten times as long."""
    position = int(share * (values.size - 1))
    return float(np.partition(values.ravel(), position)[position])


def otsu(values: Array) -> float:
    """Return Otsu's threshold of positive values: it maximizes the variance between the two classes."""
    width = values.max() / 128
    counts = np.bincount((values / width).astype(np.intp).clip(max=127), minlength=128)
    centers = (np.arange(128) + 0.5) * width
    below, sums = np.cumsum(counts), np.cumsum(counts * centers)
    above = below[-1] - below
    variance = (sums * below[-1] - sums[-1] * below) ** 2 / np.maximum(below * above, 1)
    return float(width * (1 + np.argmax(variance)))


def find_surroundings(strokes: Mask) -> Mask:
    """Mark the strokes without specks, and the pixels around them."""
    height, width = strokes.shape
    cell = -(-max(height, width) // GRID_SIZE)
    padded = np.pad(strokes, ((0, -height % cell), (0, -width % cell)))
    areas = padded.reshape(padded.shape[0] // cell, cell, padded.shape[1] // cell, cell).sum(axis=(1, 3))
    parts = find_parts(areas > 0)
    sizes = [sum(areas[position] for position in part) for part in parts]
    kept = np.zeros(areas.shape, bool)
    for part, size in zip(parts, sizes, strict=True):
        if size >= MIN_PART * max(sizes):
            kept[tuple(np.transpose(part))] = True
    cells = kept.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width]
    return dilate(strokes & cells, 2 * cell + 1)


def find_parts(mask: Mask) -> list[list[tuple[int, int]]]:
    """List the positions in each 8-connected part of a mask."""
    pending = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    parts = []
    while pending:
        part = [pending.pop()]
        for y, x in part:  # the list grows
            neighbors = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & pending
            pending -= neighbors
            part += neighbors
        parts.append(part)
    return parts


def thicken(ink: Array) -> Array:
    """Thicken strokes thinner than THINNEST_STROKE; their width is twice their area by the length of their outline."""
    strokes = np.pad(ink > 127, 1)
    outline = strokes & dilate(~strokes, 3)
    rows, columns = np.nonzero(strokes)
    missing = THINNEST_STROKE * (1 + max(np.ptp(rows), np.ptp(columns))) - 2 * strokes.sum() / outline.sum()
    size = 2 * round(missing / 2) + 1
    return dilate(np.pad(ink, size // 2), size) if size > 1 else ink
