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
from stages.shared.ink import Ink, find_ink
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
    for label in (labels.min(), test_labels.min(), labels.max(), test_labels.max()):
        if not 0 <= label < len(dataset.classes):
            raise StageError(f"{RAW}: contains the label {label}, must be 0 to {len(dataset.classes) - 1}")
    if parameters.validation_size and (rare := np.flatnonzero(np.bincount(labels) == 1)).size:
        raise StageError(
            f"{RAW}: the class {dataset.classes[rare[0]]} has one training image, must have 2 or more where "
            "validation_size is not 0"
        )
    train_indices, validation_indices = split_indices(labels, parameters.validation_size, parameters.seed)
    for path, split_images, split_labels in (
        (splits.TRAIN, images[train_indices], labels[train_indices]),
        (splits.VALIDATION, images[validation_indices], labels[validation_indices]),
        (splits.TEST, test_images, test_labels),
    ):
        normalized = normalize(split_images, parameters.mean, parameters.std)
        splits.write_split(path, normalized, split_labels, dataset)
        print(f"{path}: {len(normalized)} images")


def describe_dataset(parameters: NormalizeParameters, images: NDArray[np.uint8]) -> Dataset:
    """Describe the data set of which `images`, of shape (n, height, width) or (n, height, width, channels), are."""
    _, height, width, *channels = images.shape
    known = DATASETS.get(parameters.dataset)
    ink = Ink(known.ink_size, known.ink_center) if known else None if channels else find_ink(images)
    return Dataset(
        name=parameters.dataset,
        classes=idx.read_classes(RAW),
        channels=math.prod(channels),
        height=height,
        width=width,
        mean=parameters.mean,
        std=parameters.std,
        ink_size=ink.size if ink else None,
        ink_center=ink.center if ink else None,
    )


def split_indices(labels: NDArray[np.int64], validation_size: int, seed: int) -> list[NDArray[np.intp]]:
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
