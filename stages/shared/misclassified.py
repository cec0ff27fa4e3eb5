"""A picture of the most confident misclassifications."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from stages.shared.shapes import IMAGE_SIZE

ROWS, COLUMNS = 4, 8
ZOOM = 4
LINE_HEIGHT = 16
CAPTION_HEIGHT = 2 * LINE_HEIGHT


def draw_misclassified(
    images: NDArray[np.float32], labels: NDArray[np.int64], probabilities: NDArray[np.floating]
) -> Image.Image:
    """Draw the images whose wrong class has the highest probability, with both classes and this probability.

    Takes images of shape (n, 28, 28) and probabilities of shape (n, 10); shows at most 32 images, by rows, in
    descending order of the probability.
    """
    predictions, confidences = probabilities.argmax(axis=1), probabilities.max(axis=1)
    misclassified = np.flatnonzero(predictions != labels)
    order = np.argsort(-confidences[misclassified], kind="stable")
    side, height = IMAGE_SIZE * ZOOM, IMAGE_SIZE * ZOOM + CAPTION_HEIGHT
    picture = Image.new("L", (COLUMNS * (side + ZOOM), ROWS * height), color=255)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=11)
    for position, index in enumerate(misclassified[order][: ROWS * COLUMNS]):
        left, top = position % COLUMNS * (side + ZOOM), position // COLUMNS * height
        picture.paste(to_grayscale(images[index]).resize((side, side), Image.Resampling.NEAREST), (left, top))
        lines = f"predicted {predictions[index]}, true {labels[index]}", f"confidence {confidences[index]:.4f}"
        for number, line in enumerate(lines):
            draw.text(
                (left + side / 2, top + side + (number + 0.5) * LINE_HEIGHT), line, fill=0, font=font, anchor="mm"
            )
    return picture


def to_grayscale(image: NDArray[np.float32]) -> Image.Image:
    """Map the minimum of a normalized image to white and its maximum to black."""
    darkest, brightest = image.min(), image.max()
    ink = (image - darkest) / max(brightest - darkest, np.float32(1e-9))
    return Image.fromarray(np.uint8(255 * (1 - ink)))
