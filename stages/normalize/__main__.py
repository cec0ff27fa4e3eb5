"""Normalize the images and split the validation set off.

Reads data/raw; writes data/normalized/{train,validation,test}.safetensors.

Run: dvc repro normalize
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.normalize.parameters import Parameters, check_validation_size
from stages.shared import idx, split, stage
from stages.shared.files import check_undamaged
from stages.shared.parameters import confirm_parameters, read_parameters
from stages.shared.split import Split

RAW = Path("data/raw")


def main() -> None:
    """Write the three splits. The test images influence neither of the other two."""
    parameters = read_parameters(Parameters)
    check_undamaged(*(RAW / name for name in (*idx.TRAIN, *idx.TEST)))
    images, labels = idx.read_images_and_labels(RAW, idx.TRAIN)
    check_validation_size(parameters.validation_size, len(labels))
    train_indices, validation_indices = split_indices(labels, parameters.validation_size, parameters.seed)
    test_images, test_labels = idx.read_images_and_labels(RAW, idx.TEST)
    for path, split_images, split_labels in (
        (split.TRAIN, images[train_indices], labels[train_indices]),
        (split.VALIDATION, images[validation_indices], labels[validation_indices]),
        (split.TEST, test_images, test_labels),
    ):
        normalized = normalize(split_images, parameters.mean, parameters.std)
        split.write_split(path, Split(normalized, split_labels.astype(np.int64)))
        print(f"{path}: {len(normalized)} images")
    confirm_parameters(parameters)


def split_indices(labels: NDArray[np.uint8], validation_size: int, seed: int) -> list[NDArray[np.intp]]:
    """Draw the validation set so that each class has the share there that it has in the whole.

    Returns the indices of the training and of the validation images, ascending.
    """
    everything = np.arange(len(labels))
    if validation_size == 0:
        return [everything, everything[:0]]
    from sklearn.model_selection import train_test_split

    train_indices, validation_indices = train_test_split(
        everything, test_size=validation_size, stratify=labels, random_state=seed
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
    stage.run(main)
