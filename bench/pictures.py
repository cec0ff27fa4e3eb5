"""Draw pictures of noise for the data set `folder`, as many as EMNIST has, to measure the memory of the stages.

Run: python -m bench.pictures data/images [--classes 47] [--pictures 100000] [--size 28]
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image


def main() -> None:
    """Write the pictures into FOLDER/train/CLASS."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, default in {"classes": 47, "pictures": 100_000, "size": 28}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    for label in range(options.classes):
        folder = options.folder / f"train/class {label}"
        folder.mkdir(parents=True)
        for number in range(label, options.pictures, options.classes):
            pixels = generator.integers(0, 256, (options.size, options.size), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png", compress_level=1)


if __name__ == "__main__":
    main()
