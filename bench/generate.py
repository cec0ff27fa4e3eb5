"""Generate a data set of any size: noise in which a row of each image, twice its label, is bright.

Writes train.safetensors and a small test.safetensors.

Run: python -m bench.generate FOLDER IMAGES
"""

import argparse
from pathlib import Path

import numpy as np

from stages.shared.shapes import CLASSES, IMAGE_SIZE
from stages.shared.split import Split, write_split

TEST_IMAGES = 1000


def main() -> None:
    """Write both splits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("images", type=int)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    for name, count in (("train", arguments.images), ("test", TEST_IMAGES)):
        write_split(arguments.folder / f"{name}.safetensors", generate(count, generator))


def generate(count: int, generator: np.random.Generator) -> Split:
    """Generate as many images, from -1 to 1, and their labels."""
    labels = generator.integers(CLASSES, size=count)
    images = generator.random((count, IMAGE_SIZE, IMAGE_SIZE), dtype=np.float32)
    images -= 1
    images[np.arange(count), 2 * labels] += 1
    return Split(images, labels)


if __name__ == "__main__":
    main()
