"""Normalize the images and hold out a stratified validation set.

Reads data/raw; writes data/normalized/{train,validation,test}.safetensors.
"""

from pathlib import Path

import numpy as np

from runtime import stage
from stages.normalize.parameters import Parameters, check_validation_size
from stages.normalize.pixels import normalize
from stages.normalize.validation_set import split_indices
from stages.shared import idx, split

RAW = Path("data/raw")


def main(parameters: Parameters) -> None:
    """Write the three splits. The test images do not influence the other two."""
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
        split.write_split(path, split.Split(normalized, split_labels.astype(np.int64)))
        print(f"{path}: {len(normalized)} images")


if __name__ == "__main__":
    stage.run("normalize", main, Parameters)
