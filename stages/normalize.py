"""Normalize the images and hold out a stratified validation set.

Reads data/raw; writes data/normalized/{train,validation,test}.safetensors.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.shared import idx, splits
from stages.shared.parameters import NormalizeParameters, check_validation_size
from stages.shared.program import run

RAW = Path("data/raw")


def main(parameters: NormalizeParameters) -> None:
    """Write the three splits. The test images do not influence the other two."""
    images, labels = idx.read_images_and_labels(RAW, idx.TRAIN)
    check_validation_size(parameters.validation_size, len(labels))
    train_indices, validation_indices = split_indices(labels, parameters.validation_size, parameters.seed)
    test_images, test_labels = idx.read_images_and_labels(RAW, idx.TEST)
    for path, split_images, split_labels in (
        (splits.TRAIN, images[train_indices], labels[train_indices]),
        (splits.VALIDATION, images[validation_indices], labels[validation_indices]),
        (splits.TEST, test_images, test_labels),
    ):
        normalized = normalize(split_images, parameters.mean, parameters.std)
        splits.write_split(path, splits.Split(normalized, split_labels.astype(np.int64)))
        print(f"{path}: {len(normalized)} images")


def split_indices(labels: NDArray[np.uint8], validation_size: int, seed: int) -> list[NDArray[np.intp]]:
    """Hold out a stratified validation set: each class has the same proportion in it as in `labels`.

    Returns the indices of the training images and of the validation images, ascending.
    """
    indices = np.arange(len(labels))
    if validation_size == 0:
        return [indices, indices[:0]]
    from sklearn.model_selection import train_test_split

    train_indices, validation_indices = train_test_split(
        indices, test_size=validation_size, stratify=labels, random_state=seed
    )
    return [np.sort(train_indices), np.sort(validation_indices)]


def normalize(images: NDArray[np.uint8], mean: float, std: float) -> NDArray[np.float32]:
    """Compute (x / 255 - mean) / std in float32, as torchvision's ToTensor and Normalize do."""
    normalized = images.astype(np.float32)
    normalized /= np.float32(255)
    normalized -= np.float32(mean)
    normalized /= np.float32(std)
    return normalized


if __name__ == "__main__":
    run("normalize", main, NormalizeParameters)
