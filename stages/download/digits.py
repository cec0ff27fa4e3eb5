"""The digits that come with scikit-learn, in MNIST's format: they need no network."""

from pathlib import Path

import numpy as np

from stages.shared import idx


def write_digits(folder: Path) -> None:
    """Write 1,500 training and 297 test images, stratified, as MNIST's four files.

    An image of 8 x 8 becomes 24 x 24 by repetition, with a margin of 2; values from 0 to 16 become 0 to 255.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)
    images = np.pad(pixels.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    labels = digits.target.astype(np.uint8)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images, labels, train_size=1500, stratify=labels, random_state=0
    )
    idx.write_idx(folder / idx.TRAIN.images, train_images)
    idx.write_idx(folder / idx.TRAIN.labels, train_labels)
    idx.write_idx(folder / idx.TEST.images, test_images)
    idx.write_idx(folder / idx.TEST.labels, test_labels)
