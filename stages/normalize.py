"""Normalize the images and split the validation set off.

Reads data/raw; writes data/normalized/{train,validation,test}.safetensors.

Run: dvc repro normalize
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from stages.shared import idx, split, stage
from stages.shared.parameters import PARAMS_YAML, Seed, StageParameters, read_parameters
from stages.shared.shapes import CLASSES
from stages.shared.split import Split
from stages.shared.stage import StageError

RAW = Path("data/raw")


class Parameters(StageParameters):
    """The parameters of this stage."""

    mean: float = Field(description="a finite number")
    std: float = Field(gt=0, description="a finite number greater than 0")
    validation_size: int = Field(ge=0, description="0, or an integer of 10 or more, smaller than the training set")
    seed: Seed


def main() -> None:
    """Write the three splits. The test images influence neither of the other two."""
    parameters = read_parameters(Parameters)
    images, labels = idx.read_images_and_labels(RAW, idx.TRAIN)
    train_indices, validation_indices = split_indices(labels, parameters.validation_size, parameters.seed)
    test_images, test_labels = idx.read_images_and_labels(RAW, idx.TEST)
    split.NORMALIZED.mkdir(parents=True, exist_ok=True)
    for path, split_images, split_labels in (
        (split.TRAIN, images[train_indices], labels[train_indices]),
        (split.VALIDATION, images[validation_indices], labels[validation_indices]),
        (split.TEST, test_images, test_labels),
    ):
        normalized = normalize(split_images, parameters.mean, parameters.std)
        split.write_split(path, Split(normalized, split_labels.astype(np.int64)))
        print(f"{path}: {len(normalized)} images")


def split_indices(labels: NDArray[np.uint8], validation_size: int, seed: int) -> list[NDArray[np.intp]]:
    """Draw the validation set so that each class has the share there that it has in the whole.

    Returns the indices of the training and of the validation images, ascending.

    Raises:
        StageError: one of the two sets would have fewer images than there are classes.
    """
    everything = np.arange(len(labels))
    if validation_size == 0:
        return [everything, everything[:0]]
    largest = len(labels) - CLASSES
    if not CLASSES <= validation_size <= largest:
        raise StageError(
            f"{PARAMS_YAML}: validation_size: {validation_size} is not allowed; it must be 0, or from {CLASSES} to "
            f"{largest}, so that both sets have an image of each class"
        )
    from sklearn.model_selection import train_test_split

    train_indices, validation_indices = train_test_split(
        everything, test_size=validation_size, stratify=labels, random_state=seed
    )
    return [np.sort(train_indices), np.sort(validation_indices)]


def normalize(images: NDArray[np.uint8], mean: float, std: float) -> NDArray[np.float32]:
    """Compute (x / 255 - mean) / std in float32, as torchvision's ToTensor and Normalize do.

    Raises:
        StageError: the result is not finite.
    """
    with np.errstate(all="ignore"):
        normalized = images.astype(np.float32)
        normalized /= np.float32(255)
        normalized -= np.float32(mean)
        normalized /= np.float32(std)
    if not np.isfinite(normalized).all():
        raise StageError(f"{PARAMS_YAML}: mean {mean} and std {std} are not allowed; (x / 255 - mean) / std overflows")
    return normalized


if __name__ == "__main__":
    stage.run(main)
