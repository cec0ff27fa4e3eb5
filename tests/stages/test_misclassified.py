from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from stages.shared.misclassified import CAPTION_HEIGHT, COLUMNS, GAP, SIDE, draw_misclassified
from tests.stages.conftest import DATASET


def draw(
    images: NDArray[np.float32], labels: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> NDArray[np.uint8]:
    return np.asarray(draw_misclassified(images, labels, probabilities, DATASET.classes))


@pytest.mark.parametrize("channels", [1, 3])
def test_draws_most_confident_first(channels: int) -> None:
    images = np.full((3, channels, 28, 28), -1, np.float32)
    images[1, :, :, :14] = 1  # misclassified with the higher confidence
    images[2, :, :, 14:] = 1
    probabilities = np.full((3, 10), 0.01, np.float32)
    probabilities[[0, 1, 2], [7, 3, 4]] = [0.99, 0.9, 0.6]
    picture = draw(images, np.array([7, 8, 9]), probabilities)
    left, right = (0, 255) if channels == 1 else (255, 0)  # the highest value of a gray image is ink
    first, second = picture[:SIDE, :SIDE], picture[:SIDE, SIDE + GAP : 2 * SIDE + GAP]
    assert (first[0, 0] == left).all()
    assert (first[0, -1] == right).all()
    assert (second[0, 0] == right).all()
    assert (second[0, -1] == left).all()
    assert picture[SIDE:, :SIDE].min() < 100  # the caption
    assert picture[:, 2 * (SIDE + GAP) :].min() == 255  # the correct image is not drawn


def test_colors_are_kept() -> None:
    image = np.zeros((1, 3, 8, 8), np.float32)
    image[0, 2] = 1
    assert draw(image, np.array([0]), np.eye(10, dtype=np.float32)[[1]])[0, 0].tolist() == [0, 0, 255]


def test_keeps_ratio_of_edges() -> None:
    picture = draw(np.ones((1, 1, 10, 20), np.float32), np.array([0]), np.eye(10, dtype=np.float32)[[1]])
    assert picture.shape == (4 * (SIDE // 2 + CAPTION_HEIGHT), 8 * (SIDE + GAP))


def test_caption_states_confidence() -> None:
    images, labels = np.full((1, 1, 28, 28), -1, np.float32), np.zeros(1, np.int64)
    captions = []
    for confidence in (0.7, 0.7001):
        probabilities = np.zeros((1, 10), np.float32)
        probabilities[0, 1] = confidence
        captions.append(draw(images, labels, probabilities)[SIDE:])
    assert (captions[0] != captions[1]).any()


@pytest.mark.parametrize(
    "classes", ["0123456789", ["a name that is longer than the image is wide"] * 10, "おきすつなはまやれを"]
)
def test_captions_fit_below_images(classes: list[str]) -> None:
    probabilities = np.zeros((COLUMNS, 10), np.float32)
    probabilities[:, 4] = 0.4444
    images, labels = np.zeros((COLUMNS, 1, 28, 28), np.float32), np.zeros(COLUMNS, np.int64)
    picture = np.asarray(draw_misclassified(images, labels, probabilities, classes))
    captions = picture[SIDE : SIDE + CAPTION_HEIGHT].reshape(CAPTION_HEIGHT, COLUMNS, SIDE + GAP)
    assert picture[SIDE + CAPTION_HEIGHT :].min() == 255
    assert captions[:, :, 0].min() == 255
    assert captions[:, :, SIDE - 1 :].min() == 255
    assert captions[0].min() == 255
    assert captions[-1].min() == 255
    assert captions.min() < 100


def test_without_misclassified_images(tmp_path: Path) -> None:
    probabilities = np.eye(10, dtype=np.float32)
    images = np.zeros((10, 1, 28, 28), np.float32)
    draw_misclassified(images, np.arange(10), probabilities, DATASET.classes).save(tmp_path / "misclassified.png")
    assert Image.open(tmp_path / "misclassified.png").getextrema() == (255, 255)
