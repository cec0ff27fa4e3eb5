"""The picture of the gravest mistakes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from stages.shared.shapes import IMAGE_SIZE

MISTAKES_SHOWN = (4, 8)  # rows, columns
ZOOM = 4
CAPTION_HEIGHT = 22


def draw_mistakes(
    images: NDArray[np.float32], labels: NDArray[np.int64], probabilities: NDArray[np.float32]
) -> Image.Image:
    """Draw the mistakes that the network was most confident of, each with what it said and what was meant."""
    rows, columns = MISTAKES_SHOWN
    predicted = probabilities.argmax(axis=1)
    mistakes = np.flatnonzero(predicted != labels)
    mistakes = mistakes[np.argsort(-probabilities[mistakes].max(axis=1), kind="stable")][: rows * columns]
    side, height = IMAGE_SIZE * ZOOM, IMAGE_SIZE * ZOOM + CAPTION_HEIGHT
    picture = Image.new("L", (columns * (side + ZOOM), rows * height), color=255)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=CAPTION_HEIGHT * 2 // 3)
    for position, mistake in enumerate(mistakes):
        left, top = position % columns * (side + ZOOM), position // columns * height
        picture.paste(to_grayscale(images[mistake]).resize((side, side), Image.Resampling.NEAREST), (left, top))
        caption = f"said {predicted[mistake]}, is {labels[mistake]}"
        draw.text((left + side / 2, top + side + CAPTION_HEIGHT / 2), caption, fill=0, font=font, anchor="mm")
    return picture


def to_grayscale(image: NDArray[np.float32]) -> Image.Image:
    """Map the darkest pixel of a normalized image to white and the brightest to black, as ink on paper."""
    darkest, brightest = image.min(), image.max()
    ink = (image - darkest) / max(brightest - darkest, np.float32(1e-9))
    return Image.fromarray(np.uint8(255 * (1 - ink)))
