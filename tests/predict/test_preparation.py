import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from predict.errors import PredictError
from predict.preparation import fit
from tests.conftest import needs_mnist
from tests.predict.conftest import draw_seven


def fit_slowly(ink: NDArray[np.float32], size: int, center: str) -> NDArray[np.uint8]:
    """Do what `fit` does, pixel by pixel, in plain Python."""
    rows = [y for y in range(len(ink)) if max(ink[y]) > 0]
    columns = [x for x in range(len(ink[0])) if max(ink[:, x]) > 0]
    box = [[float(ink[y, x]) for x in range(columns[0], columns[-1] + 1)] for y in range(rows[0], rows[-1] + 1)]
    longer = max(len(box), len(box[0]))
    height, width = (max(1, math.floor(side * size / longer + 0.5)) for side in (len(box), len(box[0])))
    narrow = [scale_slowly(row, width) for row in box]
    tall = [scale_slowly([row[x] for row in narrow], height) for x in range(width)]
    values = [[min(255, math.floor(tall[x][y] + 0.5)) for x in range(width)] for y in range(height)]
    top, left = (28 - height) // 2, (28 - width) // 2
    if center == "mass":
        total = sum(map(sum, values))
        row = sum(y * value for y in range(height) for value in values[y]) / total
        column = sum(x * values[y][x] for y in range(height) for x in range(width)) / total
        top = min(max(math.floor(14 - row + 0.5), 0), 28 - height)
        left = min(max(math.floor(14 - column + 0.5), 0), 28 - width)
    image = np.zeros((28, 28), np.uint8)
    image[top : top + height, left : left + width] = values
    return image


def scale_slowly(values: Sequence[float], outputs: int) -> list[float]:
    """Scale one row by the triangle filter."""
    scale = len(values) / outputs
    support = max(scale, 1)
    scaled = []
    for i in range(outputs):
        weights = [max(0, 1 - abs(j + 0.5 - (i + 0.5) * scale) / support) for j in range(len(values))]
        products = (weight * value for weight, value in zip(weights, values, strict=True))
        scaled.append(sum(products) / sum(weights))
    return scaled


@pytest.mark.parametrize("center", ["mass", "box"])
@pytest.mark.parametrize("shape", [(28, 28), (61, 40), (7, 90), (3, 2), (1, 1)], ids=str)
@pytest.mark.parametrize("size", [20, 28])
def test_fit_is_as_specified(shape: tuple[int, int], size: int, center: str) -> None:
    generator = np.random.default_rng(0)
    ink = generator.uniform(0, 255, shape).astype(np.float32)
    ink[generator.uniform(size=shape) < 0.3] = 0
    ink[0, 0] = 255
    expected = fit_slowly(ink, size, center).astype(int)
    difference = np.abs(fit(ink, size, center) - expected)
    assert difference.max() <= 1  # float32 may round a half the other way
    assert (difference > 0).mean() < 0.01


def test_proportions_are_kept() -> None:
    image = fit(draw_seven().astype(np.float32), 20, "box")
    rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    assert np.ptp(rows) + 1 == 20
    assert 13 <= np.ptp(columns) + 1 <= 15


@pytest.mark.parametrize(
    "ink", [np.zeros((5, 5)), np.full((5, 5), np.nan), np.eye(1, 90_000) * 1e-3], ids=["none", "nan", "faint"]
)
def test_rejects_no_ink(ink: NDArray[np.float64]) -> None:
    with pytest.raises(PredictError, match=r"^empty: "):
        fit(ink.astype(np.float32), 20, "mass")


@needs_mnist
def test_images_of_mnist_stay_as_they_are(mnist: tuple[NDArray[np.uint8], NDArray[np.uint8]]) -> None:
    same = [np.array_equal(fit(image.astype(np.float32), 20, "mass"), image) for image in mnist[0]]
    assert np.mean(same) > 0.999  # the ink of four has not 20 pixels
