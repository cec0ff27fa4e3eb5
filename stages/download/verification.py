"""Verification of the downloaded files."""

import hashlib
from pathlib import Path

from runtime.errors import StageError
from stages.shared import idx
from stages.shared.parameters import DatasetName

MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def verify(dataset: DatasetName, folder: Path) -> None:
    """Verify the IDX structure of the four files in `folder`, and the SHA-256 of MNIST's.

    Raises:
        StageError: a file is not valid.
    """
    for files in (idx.TRAIN, idx.TEST):
        idx.read_images_and_labels(folder, files)
    for name, expected in MNIST_SHA256.items() if dataset == "mnist" else ():
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if digest != expected:
            raise StageError(f"{folder / name}: SHA-256 is {digest}, must be {expected}")
