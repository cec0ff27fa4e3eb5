import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from predict import PredictError
from predict.ink import find_digits
from predict.preparation import Ink, fit
from predict.rules import RULES
from predict.strokes import measure_strokes, remove_slant
from tests.predict.conftest import draw_seven
from tests.predict.scenes import BLANK, SCENES, draw_number, draw_strokes, write_on

SEVEN = draw_seven().repeat(2, axis=0).repeat(2, axis=1)  # 160 wide, 240 high
HEIGHT, WIDTH = SEVEN.shape
EXPECTED = fit(remove_slant(SEVEN.astype(np.float32)), (28, 28), Ink(20, "mass"))

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


def find_only(gray: NDArray[np.floating]) -> NDArray[np.float32]:
    [ink] = find_digits(gray.clip(0, 255).astype(np.float32))
    return ink


@pytest.mark.parametrize("name", PICTURES)
def test_finds_the_same_ink(name: str) -> None:
    image = fit(find_only(PICTURES[name]), (28, 28), Ink(20, "mass"))
    assert np.abs(image.astype(int) - EXPECTED).mean() < 10
    assert np.corrcoef(image.ravel(), EXPECTED.ravel())[0, 1] > 0.85  # noise may shift it by a pixel


def test_small_digit_has_the_pixels_of_its_picture() -> None:
    seven = SEVEN[::3, ::3].astype(np.float32)
    large = np.pad(255 - seven, ((1500, 400), (300, 1900)), constant_values=255)
    expected = fit(remove_slant(seven), (28, 28), Ink(20, "mass"))
    difference = fit(find_only(large), (28, 28), Ink(20, "mass")).astype(int) - expected
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
        find_only(EMPTY[name])


KINDS = ["frame_1", "frame_12", "frame_gray", "frame_right", "frame_of_dark", "status_bar", "panel", "paper_on_table"]
KINDS += [
    "ruled",
    "ruled_dark",
    "grid",
    "margin_line",
    "box",
    "circle",
    "underline",
    "period",
    "holes",
    "corner",
    "fold",
]
KINDS += ["corners", "black_corners", "shadow", "gradient", "light_on_dark", "blurred", "axes", "turned_paper"]


@pytest.mark.parametrize("digit", [4, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_leaves_out_what_is_not_the_digit(kind: str, digit: int) -> None:
    expected, image = (
        fit(find_only(SCENES[name](digit, np.random.default_rng(digit))), (28, 28), Ink(20, "mass"))
        for name in ("plain", kind)
    )
    assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] > 0.85


@pytest.mark.parametrize("kind", BLANK)
def test_blank_has_no_digit(kind: str) -> None:
    with pytest.raises(PredictError, match=r"^empty: "):
        find_only(BLANK[kind](np.random.default_rng(0)))


def test_finds_the_digits_of_a_number() -> None:
    numbers = [[5, 1, 4], [1, 1], [4, 0]]
    for digits in numbers:
        picture = write_on(draw_number(digits, np.random.default_rng(0)))
        inks = find_digits(picture.astype(np.float32))
        assert len(inks) == len(digits)
        random = np.random.default_rng(0)
        for digit, ink in zip(digits, inks, strict=True):
            one = find_only(write_on(draw_strokes(digit, random, 200)))
            image, expected = (fit(values, (28, 28), Ink(20, "mass")) for values in (ink, one))
            assert np.corrcoef(image.ravel(), expected.ravel())[0, 1] > 0.95


@pytest.mark.parametrize("gap", [3, 12])
def test_strokes_near_each_other_are_one_digit(gap: int) -> None:
    """A five whose top is a stroke of its own."""
    picture = Image.new("L", (300, 300), 240)
    painter = ImageDraw.Draw(picture)
    painter.line([(120, 80), (110, 140), (170, 160), (170, 210), (110, 220)], fill=20, width=14, joint="curve")
    painter.line([(128 + gap, 80 - gap), (190, 70 - gap)], fill=20, width=14)
    assert find_only(np.asarray(picture)).any()


@pytest.mark.parametrize(("width", "narrowest", "widest"), [(3, 0.08, 0.1), (20, 0.07, 0.08), (60, 0.1, 0.15)])
def test_strokes_get_a_width_that_the_network_knows(width: int, narrowest: float, widest: float) -> None:
    picture = Image.new("L", (400, 400), 240)
    ImageDraw.Draw(picture).line([(120, 100), (280, 100), (200, 300)], fill=20, width=width, joint="curve")
    strokes, size = measure_strokes(find_only(np.asarray(picture)))
    assert narrowest < strokes / size < widest


def test_ink_much_fainter_than_the_digit_is_no_digit() -> None:
    seven, faint = SEVEN > 127, np.zeros_like(SEVEN, np.bool_)
    faint[150:400, 60:80] = True
    assert find_only(np.where(seven, 170, np.where(faint, 197, 200))).any()


def test_thick_zero_of_few_pixels_is_no_panel() -> None:
    picture = Image.new("L", (28, 28), 255)
    ImageDraw.Draw(picture).rounded_rectangle([6, 4, 21, 23], 4, outline=0, width=3)
    image = fit(find_only(np.asarray(picture)), (28, 28), Ink(20, "mass"))
    assert image[14, 14] == 0 < image[14, 8]


@pytest.mark.parametrize("degrees", [-25, 0, 25])
def test_slanted_digit_gets_nearly_upright(degrees: int) -> None:
    picture = Image.new("L", (400, 400), 240)
    ImageDraw.Draw(picture).rectangle([170, 80, 230, 320], fill=20)
    rows, columns = np.nonzero(find_only(np.asarray(picture.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=240))))
    slope = np.polyfit(rows, columns, 1)[0]
    assert abs(slope - (1 - RULES.slant) * np.tan(np.radians(degrees))) < 0.02


def test_strokes_of_a_pale_digit_have_the_same_width() -> None:
    seven = SEVEN.astype(np.float32)
    assert measure_strokes(seven * 0.3) == measure_strokes(seven)
