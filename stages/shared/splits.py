"""The normalized splits of the data set (train, validation, test), each in a safetensors file."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from stages.shared.errors import StageError, shorten, to_line, writing
from stages.shared.shapes import CLASSES, IMAGE_SIZE
from stages.shared.tensor_file import ADVICE, read_tensor, read_types

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
    _check_types(path)
    split = Split(read_tensor(path, "images", np.float32), read_tensor(path, "labels", np.int64))
    if problem := _find_problem(split):
        raise StageError(f"{path}: {problem}; {ADVICE}")
    return split


def _check_types(path: Path) -> None:
    types = read_types(path)
    if types.keys() != {"images", "labels"}:
        raise StageError(f"{path}: has the tensors {shorten(sorted(types))}, must have images and labels; {ADVICE}")
    count = next(iter(types["images"][1]), 0)
    for name, (dtype, shape), expected in (
        ("images", ("F32", [count, IMAGE_SIZE, IMAGE_SIZE]), f"F32 (n, {IMAGE_SIZE}, {IMAGE_SIZE})"),
        ("labels", ("I64", [count]), f"I64 ({count},)"),
    ):
        if types[name] != (dtype, shape):
            found = to_line(f"{types[name][0]} {tuple(types[name][1])}", 60)
            raise StageError(f"{path}: {name} are {found}, must be {expected}; {ADVICE}")


def _find_problem(split: Split) -> str | None:
    images, labels = split
    if len(labels) and not 0 <= labels.min() <= labels.max() < CLASSES:
        return f"labels are {labels.min()} to {labels.max()}, must be 0 to 9"
    if not np.isfinite(images).all():
        return "images contain NaN or infinity, must be finite"
    return None
