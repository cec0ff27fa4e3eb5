"""Many pictures of one kind from MNIST's test images: turned, or written with a thicker pen.

Run: python -m tests.predict.handwriting FOLDER [--count 500] [--data data/raw] writes a folder for
`python -m tests.predict.measure`.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.ndimage import distance_transform_edt

from stages.shared.idx import TEST, read_images_and_labels
from tests.predict.scenes import turn, write, write_on

FACTOR = 8
MARGIN = 80
PAPER = 238.0
ANGLES = (-30, -20, -10, 0, 10, 20, 30)  # degrees, counterclockwise
PENS = (6, 10, 13)  # pixels that are added at each side of a stroke


def enlarge(image: NDArray[np.uint8], pen: int = 0) -> NDArray[np.float64]:
    """Scale an image of shape (28, 28) up, smooth, with the edges of a pen: 1 on 0."""
    large = Image.fromarray(image).resize((FACTOR * 28,) * 2, Image.Resampling.BILINEAR)
    strokes = np.pad(np.asarray(large.filter(ImageFilter.GaussianBlur(3))) > 120, MARGIN)
    ink = Image.fromarray(distance_transform_edt(~strokes) <= pen).convert("L")
    return np.asarray(ink.filter(ImageFilter.GaussianBlur(1)), np.float64) / 255


def main() -> None:
    """Write digits/KIND/NUMBER-LABEL."""
    parser = argparse.ArgumentParser(description="Make pictures of digits for tests.predict.measure.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=500, help="pictures of each kind (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=Path("data/raw"), help="default: %(default)s")
    options = parser.parse_args()
    images, labels = read_images_and_labels(options.data, TEST)
    for number in np.random.default_rng(0).choice(len(images), options.count, replace=False):
        image, label = images[number], labels[number]
        kinds = {f"turned_{angle}": turn(write_on(enlarge(image), PAPER), angle, PAPER) for angle in ANGLES}
        kinds |= {f"thicker_{pen}": write_on(enlarge(image, pen), PAPER) for pen in PENS}
        for kind, picture in kinds.items():
            write(picture, options.folder / "digits" / kind / f"{number:05}-{label}", 85)


if __name__ == "__main__":
    main()
