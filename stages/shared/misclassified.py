"""A picture of the most confident misclassifications."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

ROWS, COLUMNS = 4, 8
SIDE = 112  # of the longer edge of an image
GAP = 4
LINE_HEIGHT = 16
CAPTION_HEIGHT = 3 * LINE_HEIGHT
MAX_CHARACTERS = 18  # of a line


def draw_misclassified(
    images: NDArray[np.float32],
    labels: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    classes: Sequence[str],
) -> Image.Image:
    """Draw the images whose wrong class has the highest probability, with both classes and this probability.

    Takes images of shape (n, channels, height, width) and probabilities of shape (n, classes); shows at most 32 images,
    by rows, in descending order of the probability.
    """
    predictions, confidences = probabilities.argmax(axis=1), probabilities.max(axis=1)
    misclassified = np.flatnonzero(predictions != labels)
    order = np.argsort(-confidences[misclassified], kind="stable")
    # The font has no other characters than ASCII.
    names = [name if name.isascii() else str(label) for label, name in enumerate(classes)]
    height, width = (max(edge * SIDE // max(images.shape[2:]), 1) for edge in images.shape[2:])
    column, row = SIDE + GAP, height + CAPTION_HEIGHT
    picture = Image.new("L" if images.shape[1] == 1 else "RGB", (COLUMNS * column, ROWS * row), color="white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=11)
    for position, index in enumerate(misclassified[order][: ROWS * COLUMNS]):
        left, top = position % COLUMNS * column, position // COLUMNS * row
        image = to_picture(images[index]).resize((width, height), Image.Resampling.NEAREST)
        picture.paste(image, (left + (SIDE - width) // 2, top))
        lines = (
            f"predicted {names[predictions[index]]}",
            f"true {names[labels[index]]}",
            f"confidence {confidences[index]:.4f}",
        )
        for number, line in enumerate(lines):
            center = left + SIDE / 2, top + height + (number + 0.5) * LINE_HEIGHT
            draw.text(center, line[:MAX_CHARACTERS], fill="black", font=font, anchor="mm")
    return picture


def to_picture(image: NDArray[np.float32]) -> Image.Image:
    """Convert a normalized image; of a gray one, the minimum becomes white, and the maximum black."""
    scaled = (image - image.min()) / max(image.max() - image.min(), np.float32(1e-9))
    if len(image) == 1:
        return Image.fromarray(np.uint8(255 * (1 - scaled[0])))
    return Image.fromarray(np.uint8(255 * scaled.transpose(1, 2, 0)))
