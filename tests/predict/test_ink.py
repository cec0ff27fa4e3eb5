from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from predict.errors import PredictError
from predict.ink import find_ink
from predict.preparation import fit
from tests.predict.conftest import draw_seven

Array = NDArray[np.float32]

HEIGHT, WIDTH = 480, 400
SEVEN = np.kron(draw_seven(), np.ones((2, 2))).astype(np.float32)  # 160 wide, 240 high
EXPECTED = fit(SEVEN, 20, "mass")


def shade(lowest: float) -> Array:
    """Make light that falls from 1 in one corner to `lowest` in the opposite one."""
    y, x = np.mgrid[0 : 1 : HEIGHT * 1j, 0 : 1 : WIDTH * 1j]
    return np.asarray(1 - (1 - lowest) * (x + y) / 2, np.float32)


def make_noise(deviation: float) -> Array:
    return np.random.default_rng(0).normal(0, deviation, SEVEN.shape).astype(np.float32)


def cast_shadow(gray: Array) -> Array:
    light = np.full(SEVEN.shape, 255, np.uint8)
    light[:, WIDTH // 2 :] = 150
    blurred = np.asarray(Image.fromarray(light).filter(ImageFilter.GaussianBlur(12)), np.float32)
    return gray * blurred / np.float32(255)


def add_specks(gray: Array) -> Array:
    specked = gray.copy()
    for y, x in np.random.default_rng(0).integers(0, (HEIGHT - 6, WIDTH - 6), (40, 2)):
        specked[y : y + 5, x : x + 5] = 40
    return np.where(SEVEN > 0, gray, specked)


def make_thin() -> Array:
    return 255 - np.asarray(Image.fromarray(SEVEN.astype(np.uint8)).filter(ImageFilter.MinFilter(13)), np.float32)


PICTURES: dict[str, Callable[[], Array]] = {
    "dark on light": lambda: 255 - SEVEN,
    "light on dark": lambda: SEVEN,
    "low contrast": lambda: 170 - SEVEN * 0.15 + make_noise(3),
    "gray on black, noise": lambda: 30 + SEVEN * 0.5 + make_noise(10),
    "uneven light, noise": lambda: (240 - SEVEN * 0.7) * shade(0.4) + make_noise(8),
    "shadow": lambda: cast_shadow(240 - SEVEN * 0.8) + make_noise(3),
    "specks": lambda: add_specks(250 - SEVEN * 0.9),
    "tight": lambda: 255 - SEVEN[148:412, 108:292],
    "thin": make_thin,
}


@pytest.mark.parametrize("name", PICTURES)
def test_finds_the_same_ink(name: str) -> None:
    image = fit(find_ink(PICTURES[name]().clip(0, 255).astype(np.float32)), 20, "mass")
    assert np.abs(image.astype(int) - EXPECTED).mean() < 10
    assert np.corrcoef(image.ravel(), EXPECTED.ravel())[0, 1] > 0.85  # noise may shift it by a pixel


def test_small_digit_has_the_pixels_of_its_picture() -> None:
    seven = SEVEN[::3, ::3]
    large = np.pad(255 - seven, ((1500, 400), (300, 1900)), constant_values=255)
    difference = fit(find_ink(large), 20, "mass").astype(int) - fit(seven, 20, "mass")
    assert np.abs(difference).mean() < 0.1


EMPTY: dict[str, Callable[[], Array]] = {
    "white": lambda: np.full(SEVEN.shape, 255, np.float32),
    "black": lambda: np.zeros(SEVEN.shape, np.float32),
    "noise": lambda: 200 + make_noise(10),
    "uneven light": lambda: 250 * shade(0.5) + make_noise(4),
    "shadow": lambda: cast_shadow(np.full(SEVEN.shape, 240, np.float32)) + make_noise(3),
    "one pixel": lambda: np.zeros((1, 1), np.float32),
    "one row": lambda: np.zeros((1, 500), np.float32),
}


@pytest.mark.parametrize("name", EMPTY)
def test_rejects_no_ink(name: str) -> None:
    with pytest.raises(PredictError, match=r"^empty: "):
        find_ink(EMPTY[name]().clip(0, 255).astype(np.float32))
