import io
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from predict import PredictError, preparation
from predict.pictures import read_as_is
from predict.preparation import Ink, fit, prepare_box, prepare_digits, prepare_whole, read_images
from tests.conftest import needs_mnist
from tests.predict.conftest import draw_seven, make_image, read_mnist


def fit_by_matrices(ink: NDArray[np.float32], size: int, center: str) -> NDArray[np.int64]:
    """Do what `fit` does with ink that fills its picture, in 28 x 40 pixels; scaling is a product of matrices."""
    shape = [max(1, int(side * size / max(ink.shape) + 0.5)) for side in ink.shape]
    rows, columns = (filter_by_triangle(*sides) for sides in zip(ink.shape, shape, strict=True))
    box = np.minimum(np.floor(rows @ ink @ columns.T + 0.5), 255).astype(int)
    padding = []
    for axis, (side, whole) in enumerate(zip(shape, (28, 40), strict=True)):
        mean = np.average(np.arange(side), weights=box.sum(axis=1 - axis))
        start = int(whole / 2 - mean + 0.5) if center == "mass" else (whole - side) // 2
        start = min(max(start, 0), whole - side)
        padding.append((start, whole - side - start))
    return np.pad(box, padding)


def filter_by_triangle(inputs: int, outputs: int) -> NDArray[np.float64]:
    """Return the weights, (outputs, inputs), of linear interpolation with anti-aliasing."""
    scale = inputs / outputs
    distances = np.abs(np.arange(inputs) + 0.5 - (np.arange(outputs)[:, None] + 0.5) * scale)
    weights = np.maximum(0, 1 - distances / max(scale, 1))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("center", ["mass", "box"])
@pytest.mark.parametrize("shape", [(28, 28), (61, 40), (7, 90), (3, 2), (1, 1)], ids=str)
@pytest.mark.parametrize("size", [20, 28])
def test_fit_is_as_specified(shape: tuple[int, int], size: int, center: str) -> None:
    generator = np.random.default_rng(0)
    ink = generator.uniform(0, 255, shape).astype(np.float32)
    ink[generator.uniform(size=shape) < 0.3] = 0
    ink[0, 0] = ink[-1, -1] = 255
    image = fit(np.pad(ink, (1, 3)), (28, 40), Ink(size, center))
    difference = np.abs(image - fit_by_matrices(ink, size, center))
    assert difference.max() <= 1  # float32 may round a half the other way
    assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize(
    "ink", [np.zeros((5, 5)), np.full((5, 5), np.nan), np.eye(1, 90_000) * 1e-3], ids=["none", "nan", "faint"]
)
def test_rejects_no_ink(ink: NDArray[np.float64]) -> None:
    with pytest.raises(PredictError, match=r"^empty: "):
        fit(ink.astype(np.float32), (28, 28), Ink(20, "mass"))


@needs_mnist
def test_images_of_mnist_stay_as_they_are() -> None:
    images = read_mnist()[0][::5]
    same = [np.array_equal(fit(image.astype(np.float32), (28, 28), Ink(20, "mass")), image) for image in images]
    assert np.mean(same) > 0.998  # the ink of four of the 10,000 has not 20 pixels


@pytest.mark.parametrize("many", [1, 100])
def test_reads_many_files_in_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    files = [str(tmp_path / f"{label}.png") for label in range(3)]
    for label, file in enumerate(files):
        Image.fromarray(make_image(label)).save(file)
    Path(files[1]).write_text("text")
    executor = mock.Mock(wraps=ProcessPoolExecutor)
    monkeypatch.setattr(preparation, "MANY", many)
    monkeypatch.setattr(preparation, "CHUNK_SIZE", 2)
    monkeypatch.setattr(preparation, "ProcessPoolExecutor", executor)
    first, error, last = read_images(files, partial(prepare_whole, read_as_is, (28, 28), "L"))
    np.testing.assert_array_equal([first, last], [[make_image(0)], [make_image(2)]])
    assert str(error).startswith("not a picture")
    assert executor.call_count == (many == 1)


def test_image_of_the_network_stays_as_it_is() -> None:
    """Without margin rules, thickening, or the imports that these need."""
    image = fit(draw_seven().astype(np.float32), (28, 28), Ink(20, "mass"))
    with mock.patch.dict("sys.modules", {"predict.ink": None}):
        [same] = prepare_digits((28, 28), Ink(20, "mass"), to_png(image))
    np.testing.assert_array_equal(same, image)


def test_other_classes_are_fitted_by_their_box() -> None:
    """Two parts, one of which is a line: all that differs from the border, without stretching its grays."""
    values = np.zeros((60, 80), np.uint8)
    values[10:50, 20:30], values[10:14, 40:70] = 90, 200
    for background, picture in ((240, 240 - values), (20, 20 + values)):
        [image] = prepare_box((28, 28), Ink(28, "box"), to_png(picture))
        np.testing.assert_array_equal(image, fit(values.astype(np.float32), (28, 28), Ink(28, "box")), str(background))
    with pytest.raises(PredictError, match=r"^empty: "):
        prepare_box((28, 28), Ink(28, "box"), to_png(np.full((30, 30), 200, np.uint8)))


def to_png(gray: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(gray).save(buffer, "png")
    return buffer.getvalue()
