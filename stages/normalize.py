"""Normalize the images and hold out a stratified validation set.

Reads data/raw; writes data/normalized/{train,validation,test}.safetensors.
"""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.shared import idx, splits
from stages.shared.datasets import DATASETS, Dataset
from stages.shared.errors import StageError
from stages.shared.parameters import NormalizeParameters, check_validation_size
from stages.shared.program import run

RAW = Path("data/raw")


def main(parameters: NormalizeParameters) -> None:
    """Write the three splits. The test images do not influence the other two."""
    images, labels = idx.read_images_and_labels(RAW, idx.TRAIN)
    test_images, test_labels = idx.read_images_and_labels(RAW, idx.TEST)
    dataset = describe_dataset(parameters, images)
    check_validation_size(parameters.validation_size, len(labels), len(dataset.classes))
    sizes = [" x ".join(map(str, part.shape[1:])) for part in (test_images, images)]
    if sizes[0] != sizes[1]:
        raise StageError(f"{RAW}: test images are {sizes[0]}, training images are {sizes[1]}")
    if (highest := max(labels.max(), test_labels.max())) >= len(dataset.classes):
        raise StageError(f"{RAW}: contains the label {highest}, must be 0 to {len(dataset.classes) - 1}")
    train_indices, validation_indices = split_indices(labels, parameters.validation_size, parameters.seed)
    for path, split_images, split_labels in (
        (splits.TRAIN, images[train_indices], labels[train_indices]),
        (splits.VALIDATION, images[validation_indices], labels[validation_indices]),
        (splits.TEST, test_images, test_labels),
    ):
        normalized = normalize(split_images, parameters.mean, parameters.std)
        splits.write_split(path, normalized, split_labels.astype(np.int64), dataset)
        print(f"{path}: {len(normalized)} images")


def describe_dataset(parameters: NormalizeParameters, images: NDArray[np.uint8]) -> Dataset:
    """Describe the data set of which `images`, of shape (n, height, width) or (n, height, width, channels), are."""
    classes, _, ink_size, ink_center = DATASETS[parameters.dataset]
    _, height, width, *channels = images.shape
    return Dataset(
        name=parameters.dataset,
        classes=classes,
        channels=math.prod(channels),
        height=height,
        width=width,
        mean=parameters.mean,
        std=parameters.std,
        ink_size=ink_size,
        ink_center=ink_center,
    )


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
    """Compute (x / 255 - mean) / std in float32, as torchvision's ToTensor and Normalize do.

    Takes images of shape (n, height, width) or (n, height, width, channels); returns (n, channels, height, width).
    """
    normalized = images.astype(np.float32)
    normalized /= np.float32(255)
    normalized -= np.float32(mean)
    normalized /= np.float32(std)
    if images.ndim == 3:
        return normalized[:, np.newaxis]
    return np.ascontiguousarray(normalized.transpose(0, 3, 1, 2))


if __name__ == "__main__":
    run("normalize", main, NormalizeParameters)
