"""Pictures of digits as people photograph, scan and draw them, from strokes and fonts instead of MNIST's images.

Run: python -m tests.predict.scenes FOLDER [--count 4] writes a folder for `python -m tests.predict.measure`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from tests.stages.draw.strokes import DIGITS

SIDE = 480
Array = NDArray[np.float64]
Generator = np.random.Generator


def draw_strokes(digit: int, random: Generator, width: int = SIDE, pen: float = 0.09, height: float = 0.42) -> Array:
    """Draw a digit by hand, 1 on 0, in the middle of SIDE rows: a little larger, slanted and moved."""
    image = Image.new("L", (width, SIDE))
    painter = ImageDraw.Draw(image)
    size = SIDE * height * random.uniform(0.9, 1.15)
    slant, squeeze = random.uniform(-0.15, 0.25), random.uniform(0.75, 1)
    x, y = random.uniform(-0.03, 0.03, 2) * SIDE
    radius = max(1.0, size * pen * random.uniform(0.8, 1.2) / 2)
    for stroke in DIGITS[digit]:
        points = [
            (
                width / 2 + x + size * (squeeze * (u - 0.5) - slant * (v - 0.5)) + random.normal(0, size * 0.008),
                SIDE / 2 + y + size * (v - 0.5) + random.normal(0, size * 0.008),
            )
            for u, v in stroke
        ]
        painter.line(points, fill=255, width=max(1, round(2 * radius)), joint="curve")
        for u, v in points:
            painter.ellipse([u - radius, v - radius, u + radius, v + radius], fill=255)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(0.8)), np.float64) / 255


def draw_text(text: str, height: float = 0.5) -> Array:
    """Draw characters of Pillow's own font."""
    image = Image.new("L", (SIDE, SIDE))
    font = ImageFont.load_default(SIDE * height)
    ImageDraw.Draw(image).text((SIDE / 2, SIDE / 2), text, 255, font, anchor="mm")
    return np.asarray(image, np.float64) / 255


def write_on(ink: Array, paper: Array | float = 238.0, pen: float = 35.0) -> Array:
    """Put ink on paper."""
    return paper * (1 - ink) + pen * ink


def paint(picture: Array, draw: Callable[[ImageDraw.ImageDraw], object]) -> Array:
    """Draw on a picture."""
    image = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    draw(ImageDraw.Draw(image))
    return np.asarray(image, np.float64)


def frame(picture: Array, sides: str, width: int, value: float) -> Array:
    """Replace pixels at some sides: t, l, b, r."""
    picture = picture.copy()
    if "t" in sides:
        picture[:width] = value
    if "b" in sides:
        picture[-width:] = value
    if "l" in sides:
        picture[:, :width] = value
    if "r" in sides:
        picture[:, -width:] = value
    return picture


def rule(picture: Array, step: int, value: float, axes: str = "h", width: int = 2) -> Array:
    """Draw lines through the picture under what is on it."""
    lines = np.full_like(picture, 255)
    if "h" in axes:
        lines[np.arange(len(lines)) % step < width] = value
    if "v" in axes:
        lines[:, np.arange(lines.shape[1]) % step < width] = value
    return np.minimum(picture, lines)


def shade(picture: Array, kind: str, random: Generator) -> Array:
    """Darken parts: a gradient, corners, black corners, or a shadow with an edge."""
    y, x = np.indices(picture.shape) / SIDE
    if kind == "gradient":
        light = 1 - 0.55 * (x + y) / 2
    elif kind == "corners":
        light = 1 - 1.1 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    elif kind == "black corners":
        light = np.maximum(1 - 2 * ((x - 0.5) ** 2 + (y - 0.5) ** 2), 0.05)
    else:
        light = np.where(x + 0.4 * y < random.uniform(0.5, 0.8), 1, 0.55)
    return np.asarray(picture * light)


def add_noise(picture: Array, deviation: float, random: Generator) -> Array:
    """Add the noise of a sensor."""
    return picture + random.normal(0, deviation, picture.shape)


def put_in(picture: Array, size: tuple[int, int], corner: tuple[int, int], value: float) -> Array:
    """Put a picture on a plain one, of (height, width)."""
    whole = np.full(size, value)
    whole[corner[0] : corner[0] + len(picture), corner[1] : corner[1] + picture.shape[1]] = picture
    return whole


def blur(picture: Array, radius: float) -> Array:
    """Blur a picture, as a camera that is out of focus does."""
    return np.asarray(Image.fromarray(picture.astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius)), np.float64)


def draw_axes(painter: ImageDraw.ImageDraw) -> None:
    """Draw the axes of a figure, with labels."""
    painter.rectangle([70, 60, 410, 420], None, 0, 2)
    for step in range(6):
        painter.text((60, 80 + 64 * step), f"{5 * step}", 0, ImageFont.load_default(22), anchor="rm")
        painter.text((90 + 60 * step, 445), f"{5 * step}", 0, ImageFont.load_default(22), anchor="mm")


def turn(picture: Array, degrees: float, value: float) -> Array:
    """Turn a picture, on a plain one."""
    return np.asarray(Image.fromarray(picture).rotate(degrees, Image.Resampling.BILINEAR, expand=True, fillcolor=value))


def crop(ink: Array, margin: int) -> Array:
    """Crop to the ink."""
    rows, columns = (np.flatnonzero((ink > 0.5).any(axis=axis)) for axis in (1, 0))
    return ink[rows[0] - margin : rows[-1] + margin + 1, columns[0] - margin : columns[-1] + margin + 1]


Scene = Callable[[int, Generator], Array]
SCENES: dict[str, Scene] = {
    "plain": lambda d, r: write_on(draw_strokes(d, r)),
    "font": lambda d, _: write_on(draw_text(str(d))),
    "light_on_dark": lambda d, r: write_on(draw_strokes(d, r), 25, 230),
    "blackboard": lambda d, r: add_noise(write_on(draw_strokes(d, r, pen=0.05), 60, 170), 5, r),
    "tight": lambda d, r: write_on(crop(draw_strokes(d, r), 2)),
    "cut": lambda d, r: write_on(crop(draw_strokes(d, r), -3)),
    "small": lambda d, r: put_in(
        write_on(draw_strokes(d, r, height=0.3))[90:390, 90:390], (1500, 1800), (700, 900), 238
    ),
    "thin": lambda d, r: write_on(draw_strokes(d, r, pen=0.02)),
    "thick": lambda d, r: write_on(draw_strokes(d, r, pen=0.2)),
    "faint": lambda d, r: add_noise(write_on(draw_strokes(d, r, pen=0.03), 230, 185), 2, r),
    "noise": lambda d, r: add_noise(write_on(draw_strokes(d, r), 190, 60), 20, r),
    "gradient": lambda d, r: shade(write_on(draw_strokes(d, r, pen=0.05)), "gradient", r),
    "corners": lambda d, r: shade(write_on(draw_strokes(d, r)), "corners", r),
    "shadow": lambda d, r: shade(write_on(draw_strokes(d, r)), "edge", r),
    "frame_1": lambda d, r: frame(write_on(draw_strokes(d, r)), "tlbr", 1, 0),
    "frame_12": lambda d, r: frame(write_on(draw_strokes(d, r)), "tlbr", 12, 20),
    "frame_gray": lambda d, r: frame(write_on(draw_strokes(d, r)), "tlbr", 40, 150),
    "frame_right": lambda d, r: frame(write_on(draw_strokes(d, r)), "r", 30, 30),
    "frame_of_dark": lambda d, r: frame(write_on(draw_strokes(d, r), 25, 230), "tlbr", 10, 255),
    "status_bar": lambda d, r: frame(frame(write_on(draw_strokes(d, r)), "t", 25, 15), "b", 12, 200),
    "panel": lambda d, r: put_in(write_on(draw_strokes(d, r), 0, 255)[60:420, 60:420], (480, 640), (60, 140), 255),
    "panel_small": lambda d, r: put_in(
        write_on(draw_strokes(d, r), 0, 255)[90:390, 90:390], (700, 900), (200, 300), 255
    ),
    "paper_on_table": lambda d, r: put_in(write_on(draw_strokes(d, r)), (700, 700), (110, 110), 90),
    "ruled": lambda d, r: rule(write_on(draw_strokes(d, r)), 60, 150),
    "ruled_dark": lambda d, r: rule(write_on(draw_strokes(d, r)), 70, 70),
    "grid": lambda d, r: rule(write_on(draw_strokes(d, r)), 40, 190, "hv", 1),
    "margin_line": lambda d, r: paint(write_on(draw_strokes(d, r)), lambda p: p.line([(60, 0), (64, SIDE)], 110, 3)),
    "box": lambda d, r: paint(write_on(draw_strokes(d, r)), lambda p: p.rectangle([70, 60, 410, 420], None, 60, 3)),
    "circle": lambda d, r: paint(write_on(draw_strokes(d, r)), lambda p: p.ellipse([70, 70, 410, 410], None, 35, 6)),
    "underline": lambda d, r: paint(write_on(draw_strokes(d, r)), lambda p: p.line([(140, 395), (350, 390)], 35, 6)),
    "period": lambda d, r: paint(write_on(draw_strokes(d, r)), lambda p: p.ellipse([350, 330, 370, 350], 35)),
    "holes": lambda d, r: paint(
        paint(write_on(draw_strokes(d, r)), lambda p: p.ellipse([20, 80, 56, 116], 50)),
        lambda p: p.ellipse([20, 360, 56, 396], 50),
    ),
    "corner": lambda d, r: paint(
        write_on(draw_strokes(d, r)), lambda p: p.polygon([(0, 480), (0, 330), (120, 480)], 70)
    ),
    "fold": lambda d, r: paint(write_on(draw_strokes(d, r)), lambda p: p.line([(0, 250), (SIDE, 255)], 200, 2)),
    "black_corners": lambda d, r: shade(write_on(draw_strokes(d, r)), "black corners", r),
    "blurred": lambda d, r: blur(write_on(draw_strokes(d, r)), 5),
    "axes": lambda d, r: paint(write_on(draw_strokes(d, r), 255, 0), draw_axes),
    "turned_paper": lambda d, r: put_in(turn(write_on(draw_strokes(d, r)), 3, 90), (760, 760), (110, 110), 90),
}
BLANK: dict[str, Callable[[Generator], Array]] = {
    "white": lambda _: np.full((SIDE, SIDE), 255.0),
    "dark": lambda r: add_noise(np.full((SIDE, SIDE), 30.0), 3, r),
    "noise_1": lambda r: add_noise(np.full((SIDE, SIDE), 230.0), 1, r),
    "noise_4": lambda r: add_noise(np.full((SIDE, SIDE), 200.0), 4, r),
    "noise_15": lambda r: add_noise(np.full((SIDE, SIDE), 200.0), 15, r),
    "gradient": lambda r: add_noise(shade(np.full((SIDE, SIDE), 240.0), "gradient", r), 2, r),
    "corners": lambda r: add_noise(shade(np.full((SIDE, SIDE), 240.0), "corners", r), 2, r),
    "shadow": lambda r: add_noise(shade(np.full((SIDE, SIDE), 240.0), "edge", r), 2, r),
    "ruled": lambda r: add_noise(rule(np.full((SIDE, SIDE), 240.0), 60, 150), 2, r),
    "grid": lambda r: add_noise(rule(np.full((SIDE, SIDE), 240.0), 40, 190, "hv", 1), 2, r),
    "margin_line": lambda r: paint(
        add_noise(np.full((SIDE * 9 // 16, SIDE), 170.0), 1, r), lambda p: p.line([(50, 0), (50, SIDE)], 110, 2)
    ),
    "frame": lambda r: frame(add_noise(np.full((SIDE, SIDE), 240.0), 2, r), "tlbr", 8, 0),
    "texture": lambda r: np.asarray(
        Image.fromarray(add_noise(np.full((60, 60), 225.0), 4, r)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    ),
}
OTHERS = [*"?&#@%+=*XHMWKERANT", *"gkmwx"]  # none that looks like a digit


def write(picture: Array, path: Path, quality: int) -> None:
    """Write a JPEG, or PNG if the quality is 0."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    image.save(path.with_suffix(".jpg" if quality else ".png"), quality=quality)  # PNG does not use it


def draw_number(digits: list[int], random: Generator) -> Array:
    """Draw digits side by side."""
    return np.hstack([draw_strokes(digit, random, SIDE * 5 // 12) for digit in digits])


def main() -> None:
    """Write digits/KIND/NUMBER-LABEL, blank, several and others."""
    parser = argparse.ArgumentParser(description="Draw pictures of digits for tests.predict.measure.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=4, help="pictures of each kind (default: %(default)s)")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    for kind, scene in SCENES.items():
        for number in range(options.count):
            digit = int(random.integers(10))
            write(scene(digit, random), options.folder / "digits" / kind / f"{number:02}-{digit}", 85 * (number % 2))
    for kind, make in BLANK.items():
        for quality in (0, 60, 90):
            write(make(random), options.folder / "blank" / f"{kind}_{quality}", quality)
    for number in range(3 * options.count):
        digits = random.integers(10, size=2 + number % 2).tolist()
        picture = write_on(draw_number(digits, random))
        write(picture, options.folder / "several" / f"{''.join(map(str, digits))}_{number:02}", 85 * (number % 2))
    for number, text in enumerate(OTHERS):
        write(write_on(draw_text(text)), options.folder / "others" / f"{number:02}", 85)
    boards = np.indices((SIDE, SIDE)) // 60
    write(write_on(boards.sum(axis=0) % 2), options.folder / "others" / "checkerboard", 85)


if __name__ == "__main__":
    main()
