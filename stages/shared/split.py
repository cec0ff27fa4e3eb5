"""The normalized splits of the data set (train, validation, test), each in a safetensors file."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from runtime.errors import StageError
from runtime.files import writing
from stages.shared.shapes import CLASSES, IMAGE_SIZE

NORMALIZED = Path("data/normalized")
TRAIN = NORMALIZED / "train.safetensors"
VALIDATION = NORMALIZED / "validation.safetensors"
TEST = NORMALIZED / "test.safetensors"


class Split(NamedTuple):
    """Images, float32 of shape (n, 28, 28), and labels, int64 of shape (n,) from 0 to 9; n may be 0."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


def write_split(path: Path, split: Split) -> None:
    """Write the tensors `images` and `labels` to `path`."""
    with writing(path, SafetensorError):
        save_file({"images": np.ascontiguousarray(split.images), "labels": split.labels}, path)


def read_split(path: Path) -> Split:
    """Read what `write_split` wrote.

    Raises:
        StageError: the file is not safetensors, or not of the names, shapes, dtypes and ranges of a split.
    """
    # safetensors.numpy would need the memory twice. Imported here, since normalize writes splits and needs no torch.
    from safetensors.torch import load_file

    try:
        arrays = {name: tensor.numpy() for name, tensor in load_file(path).items()}
    except SafetensorError as error:
        raise StageError(f"{path}: not a safetensors file ({error}); remove it and run dvc repro") from None
    if arrays.keys() != {"images", "labels"}:
        raise StageError(
            f"{path}: has the tensors {sorted(arrays)}, must have images and labels; remove it and run dvc repro"
        )
    split = Split(**arrays)
    if problem := _find_problem(split):
        raise StageError(f"{path}: {problem}; remove it and run dvc repro")
    return split


def _find_problem(split: Split) -> str | None:
    images, labels = split
    if images.dtype != np.float32 or images.ndim != 3 or images.shape[1:] != (IMAGE_SIZE, IMAGE_SIZE):
        return f"images are {images.dtype} {images.shape}, must be float32 (n, 28, 28)"
    if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
        return f"labels are {labels.dtype} {labels.shape}, must be int64 ({len(images)},)"
    if len(labels) and not 0 <= labels.min() <= labels.max() < CLASSES:
        return f"labels are {labels.min()} to {labels.max()}, must be 0 to 9"
    if not np.isfinite(images).all():
        return "images contain NaN or infinity, must be finite"
    return None
