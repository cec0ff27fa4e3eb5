"""Generate a synthetic data set: noise images in which the row with index 2 * label is bright.

Writes train.safetensors with IMAGES images and test.safetensors with 1000.

Run: python -m bench.generate FOLDER IMAGES
"""

import argparse
from pathlib import Path

import numpy as np

from stages.shared.shapes import CLASSES, IMAGE_SIZE
from stages.shared.split import Split, write_split

TEST_IMAGES = 1000


def main() -> None:
    """Write both splits; FOLDER is created if missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("images", type=int)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    for name, count in (("train", arguments.images), ("test", TEST_IMAGES)):
        write_split(arguments.folder / f"{name}.safetensors", generate(count, generator))


def generate(count: int, generator: np.random.Generator) -> Split:
    """Generate `count` images, with pixels from -1 to 1, and their labels."""
    labels = generator.integers(CLASSES, size=count)
    images = generator.random((count, IMAGE_SIZE, IMAGE_SIZE), dtype=np.float32)
    images -= 1
    images[np.arange(count), 2 * labels] += 1
    return Split(images, labels)


if __name__ == "__main__":
    main()
