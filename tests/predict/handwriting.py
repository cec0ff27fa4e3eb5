"""Make many pictures of a kind from MNIST's test images, in a new folder for `python -m tests.predict.measure`.

turned_20 are turned by 20 degrees to the left, turned_-20 to the right; thicker_13 have 13 pixels more at each side of
a stroke, where the longer side of the digit had 160.
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
    parser = argparse.ArgumentParser(
        prog="python -m tests.predict.handwriting",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="must not exist")
    parser.add_argument("--count", type=int, default=500, help="pictures of each kind (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=Path("data/raw"), help="IDX files (default: %(default)s)")
    options = parser.parse_args()
    if options.folder.exists():
        parser.error(f"{options.folder} exists")
    if not (options.data / TEST.images).exists():
        parser.error(f"{options.data}: no {TEST.images}; dvc repro downloads it")
    images, labels = read_images_and_labels(options.data, TEST)
    if not 1 <= options.count <= len(images):
        parser.error(f"--count: must be 1 to {len(images)}")
    for number in np.random.default_rng(0).choice(len(images), options.count, replace=False):
        image, label = images[number], labels[number]
        upright = write_on(enlarge(image), PAPER)
        kinds = {f"turned_{angle}": turn(upright, angle, PAPER) for angle in ANGLES}
        kinds |= {f"thicker_{pen}": write_on(enlarge(image, pen), PAPER) for pen in PENS}
        for kind, picture in kinds.items():
            write(picture, options.folder / "digits" / kind / f"{number:05}-{label}", 85)


if __name__ == "__main__":
    main()
