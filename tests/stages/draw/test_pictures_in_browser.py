"""Pictures that are dropped on the page, pasted or chosen."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageDraw

from predict.preparation import Ink, fit, prepare_digits
from predict.strokes import remove_slant
from tests.chromium import Tab
from tests.predict.scenes import draw_number, write_on
from tests.stages.draw.conftest import encode
from tests.stages.draw.page_actions import click, press, read, see, wait
from tests.stages.draw.strokes import DIGITS, draw

# Gives a file to the page by an event, as the browser does when a file is dropped or pasted.
DELIVER = """(base64, name, kind, event) => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const data = new DataTransfer();
  if (name) data.items.add(new File([bytes], name, { type: kind }));
  const options = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
  document.body.dispatchEvent(event === "drop" ? new DragEvent(event, options) : new ClipboardEvent(event, options));
}"""
ANSWER = "byId('announcement').textContent || byId('error').textContent"


def deliver(tab: Tab, content: bytes, name: str, how: str, kind: str = "image/png") -> None:
    """Drop or paste a file, or choose it, and wait for the answer of the page."""
    tab.evaluate('document.getElementById("announcement").textContent = ""')
    tab.evaluate(f"({DELIVER})({json.dumps([encode(content), name, kind, how])[1:-1]})")
    wait(tab, ANSWER)


def to_png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()


def make_digit() -> NDArray[np.uint8]:
    """Make a picture of 60 x 40 with a bright shape, and background at its border."""
    ink = np.zeros((60, 40), np.uint8)
    ink[10:15, 8:30] = 255
    ink[15:50, 24:30] = np.linspace(100, 255, 35).astype(np.uint8)[:, None]
    return ink


@pytest.mark.parametrize("how", ["drop", "paste"])
@pytest.mark.parametrize("kind", ["light on dark", "dark on light", "dark on transparent", "light on transparent"])
def test_picture(tab: Tab, how: str, kind: str) -> None:
    ink = make_digit()
    if "transparent" in kind:
        gray = np.full_like(ink, 255 if "light" in kind else 0)
        image = Image.merge("LA", [Image.fromarray(gray), Image.fromarray(ink)])
    else:
        image = Image.fromarray(ink if kind == "light on dark" else 255 - ink)
    deliver(tab, to_png(image), "seven.png", how)
    assert read(tab, "error") == ""
    assert read(tab, "announcement").startswith("Prediction: ")
    [expected] = prepare_digits((28, 28), Ink(20, "mass"), to_png(image))
    assert abs(see(tab).astype(int) - expected).max() <= 1
    draw(tab, [[(0.1, 0.9), (0.9, 0.9)]])
    assert abs(see(tab).astype(int) - expected).max() > 100
    press(tab, "z", 90, control=True)
    assert abs(see(tab).astype(int) - expected).max() <= 1


def test_photo(tab: Tab) -> None:
    """Gray paper, darker to the right, with noise."""
    generator = np.random.default_rng(0)
    ink = make_digit().astype(np.float32).repeat(8, axis=0).repeat(8, axis=1)
    paper = np.linspace(190, 160, ink.shape[1]) + generator.normal(0, 4, ink.shape)
    photo = Image.fromarray((paper - ink * 0.5).clip(0, 255).astype(np.uint8))
    deliver(tab, to_png(photo), "photo.png", "drop")
    expected = fit(remove_slant(ink), (28, 28), Ink(20, "mass")).astype(int)
    assert abs(see(tab).astype(int) - expected).mean() < 12


def test_rotated_photo(tab: Tab) -> None:
    """The camera was held upright: its sensor saw the digit rotated, and EXIF says so."""
    ink = make_digit().repeat(8, axis=0).repeat(8, axis=1)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # rotate by 90 degrees clockwise to view
    file = io.BytesIO()
    Image.fromarray(255 - np.rot90(ink)).save(file, "jpeg", exif=exif)
    deliver(tab, file.getvalue(), "photo.jpg", "drop", "image/jpeg")
    [expected] = prepare_digits((28, 28), Ink(20, "mass"), file.getvalue())
    assert abs(see(tab).astype(int) - expected).mean() < 1


def test_thin_strokes_of_a_picture(tab: Tab) -> None:
    picture = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(picture).line([(100, 60), (300, 60), (180, 340)], fill=0, width=4)
    deliver(tab, to_png(picture), "thin.png", "drop")
    assert (see(tab) > 200).sum() > 30


def test_number(tab: Tab) -> None:
    number = write_on(draw_number([5, 2, 7], np.random.default_rng(0)))
    deliver(tab, to_png(Image.fromarray(number.astype(np.uint8))), "number.png", "drop")
    best = read(tab, "best")
    assert len(best) == 3
    assert tab.evaluate("output.seen.canvas.width") == 3 * 28
    assert read(tab, "announcement") == f"Prediction: {best}, {read(tab, 'confidence').removeprefix('Probability ')}."
    draw(tab, DIGITS[1])
    assert len(read(tab, "best")) == 1
    assert tab.evaluate("output.seen.canvas.width") == 28


def test_chosen_picture(tab: Tab, tmp_path: Path) -> None:
    path = tmp_path / "seven.png"
    path.write_bytes(to_png(Image.fromarray(make_digit())))
    chooser: dict[str, Any] = tab.call("Runtime.evaluate", expression='document.getElementById("picture")')
    for _ in range(2):  # the same file again
        tab.call("DOM.setFileInputFiles", files=[str(path)], objectId=chooser["result"]["objectId"])
        wait(tab, ANSWER)
        assert see(tab).any()
        press(tab, "Escape", 27)
        tab.evaluate('document.getElementById("announcement").textContent = ""')


@pytest.mark.parametrize(
    ("content", "name", "error"),
    [
        (b"text", "notes.txt", "notes.txt: not an image that this browser can read."),
        (to_png(Image.fromarray(make_digit()))[:60], "cut.png", "cut.png: not an image that this browser can read."),
        (to_png(Image.new("L", (30, 30), 200)), "blank.png", "blank.png: empty: no ink differs from the background."),
        (to_png(Image.new("LA", (30, 30))), "clear.png", "clear.png: empty: no ink differs from the background."),
        (b"", "", "No picture: drop, paste or choose an image file."),
    ],
    ids=["text", "truncated", "blank", "transparent", "no file"],
)
def test_rejects(tab: Tab, content: bytes, name: str, error: str) -> None:
    draw(tab, DIGITS[1])
    drawn = see(tab)
    deliver(tab, content, name, "drop")
    assert read(tab, "error") == error
    assert (see(tab) == drawn).all()


@pytest.mark.parametrize("change", ["draw", "clear", "undo"])
def test_next_change_removes_the_error(tab: Tab, change: str) -> None:
    deliver(tab, b"text", "notes.txt", "drop")
    assert read(tab, "error")
    if change == "draw":
        draw(tab, DIGITS[7])
    else:
        click(tab, change)
    assert read(tab, "error") == ""
