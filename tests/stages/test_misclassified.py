from pathlib import Path

import numpy as np
from PIL import Image

from stages.shared.misclassified import CAPTION_HEIGHT, COLUMNS, ZOOM, draw_misclassified


def test_draws_most_confident_first() -> None:
    images = np.full((3, 28, 28), -1, np.float32)
    images[1, :, :14] = 1  # misclassified with the higher confidence: the left half is black
    images[2, :, 14:] = 1
    probabilities = np.full((3, 10), 0.01, np.float32)
    probabilities[[0, 1, 2], [7, 3, 4]] = [0.99, 0.9, 0.6]
    picture = np.asarray(draw_misclassified(images, np.array([7, 8, 9]), probabilities))
    side = 28 * ZOOM
    first, second = picture[:side, :side], picture[:side, side + ZOOM : 2 * side + ZOOM]
    assert first[0, 0] == 0
    assert first[0, -1] == 255
    assert second[0, 0] == 255
    assert second[0, -1] == 0
    assert picture[side:, :side].min() < 100  # the caption
    assert picture[:, 2 * (side + ZOOM) :].min() == 255  # the correct image is not drawn


def test_caption_states_confidence() -> None:
    images, labels = np.full((1, 28, 28), -1, np.float32), np.zeros(1, np.int64)
    captions = []
    for confidence in (0.7, 0.7001):
        probabilities = np.zeros((1, 10), np.float32)
        probabilities[0, 1] = confidence
        captions.append(np.asarray(draw_misclassified(images, labels, probabilities))[28 * ZOOM :])
    assert (captions[0] != captions[1]).any()


def test_captions_fit_below_images() -> None:
    probabilities = np.zeros((COLUMNS, 10), np.float32)
    probabilities[:, 4] = 0.4444
    picture = draw_misclassified(np.zeros((COLUMNS, 28, 28), np.float32), np.zeros(COLUMNS, np.int64), probabilities)
    side = 28 * ZOOM
    captions = np.asarray(picture)[side : side + CAPTION_HEIGHT].reshape(CAPTION_HEIGHT, COLUMNS, side + ZOOM)
    assert np.asarray(picture)[side + CAPTION_HEIGHT :].min() == 255
    assert captions[:, :, 0].min() == 255
    assert captions[:, :, side - 1 :].min() == 255
    assert captions[0].min() == 255
    assert captions[-1].min() == 255
    assert captions.min() < 100


def test_without_misclassified_images(tmp_path: Path) -> None:
    probabilities = np.eye(10, dtype=np.float32)
    picture = draw_misclassified(np.zeros((10, 28, 28), np.float32), np.arange(10), probabilities)
    picture.save(tmp_path / "misclassified.png")
    assert Image.open(tmp_path / "misclassified.png").getextrema() == (255, 255)
