import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from predict import PredictError
from predict.ink import find_ink
from predict.preparation import Ink, fit
from tests.predict.conftest import draw_seven

SEVEN = draw_seven().repeat(2, axis=0).repeat(2, axis=1)  # 160 wide, 240 high
HEIGHT, WIDTH = SEVEN.shape
EXPECTED = fit(SEVEN.astype(np.float32), (28, 28), Ink(20, "mass"))

DIAGONAL = np.add.outer(np.linspace(0, 0.5, HEIGHT), np.linspace(0, 0.5, WIDTH))  # from one corner to the opposite one
NOISE = np.random.default_rng(0).normal(0, 1, SEVEN.shape)
EDGE = Image.fromarray(np.where(np.arange(WIDTH) < WIDTH // 2, 255, np.full(SEVEN.shape, 150)).astype(np.uint8))
SHADOW = np.asarray(EDGE.filter(ImageFilter.GaussianBlur(12))) / 255
SPECKS = np.zeros(SEVEN.shape, np.bool_)
for y, x in np.random.default_rng(0).integers(0, (HEIGHT - 6, WIDTH - 6), (40, 2)):
    SPECKS[y : y + 5, x : x + 5] = True

PICTURES: dict[str, NDArray[np.floating]] = {
    "dark on light": 255.0 - SEVEN,
    "light on dark": 1.0 * SEVEN,
    "low contrast": 170 - SEVEN * 0.15 + 3 * NOISE,
    "gray on black, noise": 30 + SEVEN * 0.5 + 10 * NOISE,
    "uneven light, noise": (240 - SEVEN * 0.7) * (1 - 0.6 * DIAGONAL) + 8 * NOISE,
    "shadow": (240 - SEVEN * 0.8) * SHADOW + 3 * NOISE,
    "specks": np.where(SPECKS & (SEVEN == 0), 40, 250 - SEVEN * 0.9),
    "tight": 255.0 - SEVEN[148:412, 108:292],
    "thin": 255.0 - np.asarray(Image.fromarray(SEVEN).filter(ImageFilter.MinFilter(13))),
}


@pytest.mark.parametrize("name", PICTURES)
def test_finds_the_same_ink(name: str) -> None:
    image = fit(find_ink(PICTURES[name].clip(0, 255).astype(np.float32)), (28, 28), Ink(20, "mass"))
    assert np.abs(image.astype(int) - EXPECTED).mean() < 10
    assert np.corrcoef(image.ravel(), EXPECTED.ravel())[0, 1] > 0.85  # noise may shift it by a pixel


def test_small_digit_has_the_pixels_of_its_picture() -> None:
    seven = SEVEN[::3, ::3].astype(np.float32)
    large = np.pad(255 - seven, ((1500, 400), (300, 1900)), constant_values=255)
    difference = fit(find_ink(large), (28, 28), Ink(20, "mass")).astype(int) - fit(seven, (28, 28), Ink(20, "mass"))
    assert np.abs(difference).mean() < 0.1


EMPTY = {
    "white": np.full(SEVEN.shape, 255),
    "black": np.zeros(SEVEN.shape),
    "noise": 200 + 10 * NOISE,
    "uneven light": 250 * (1 - 0.5 * DIAGONAL) + 4 * NOISE,
    "shadow": 240 * SHADOW + 3 * NOISE,
    "one pixel": np.zeros((1, 1)),
    "one row": np.zeros((1, 500)),
}


@pytest.mark.parametrize("name", EMPTY)
def test_rejects_no_ink(name: str) -> None:
    with pytest.raises(PredictError, match=r"^empty: "):
        find_ink(EMPTY[name].clip(0, 255).astype(np.float32))
