"""The normalized splits of the data set (train, validation, test), each in a safetensors file."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from safetensors import SafetensorError

from stages.shared.datasets import Dataset
from stages.shared.errors import StageError, shorten, to_line, writing
from stages.shared.safetensors_file import ADVICE, format_metadata, read_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

NORMALIZED = Path("data/normalized")
TRAIN = NORMALIZED / "train.safetensors"
VALIDATION = NORMALIZED / "validation.safetensors"
TEST = NORMALIZED / "test.safetensors"


class Split(NamedTuple):
    """Images, float32 of shape (n, channels, height, width), and labels, int64 of shape (n,); n may be 0."""

    images: "Tensor"
    labels: "Tensor"
    dataset: Dataset


def write_split(path: Path, images: "NDArray[np.float32]", labels: "NDArray[np.int64]", dataset: Dataset) -> None:
    """Write the tensors `images` and `labels` to `path`."""
    from safetensors.numpy import save_file

    with writing(path, SafetensorError):
        save_file({"images": images, "labels": labels}, path, format_metadata(dataset))


def read_split(path: Path) -> Split:
    """Read what `write_split` wrote.

    Raises:
        StageError: the file is not safetensors, or not of the names, shapes, dtypes and ranges of a split.
    """
    tensors, dataset = read_file(path, Dataset)
    if problem := _find_problem(tensors, dataset):
        raise StageError(f"{path}: {problem}; {ADVICE}")
    return Split(tensors["images"], tensors["labels"], dataset)


def _find_problem(tensors: "dict[str, Tensor]", dataset: Dataset) -> str | None:
    if tensors.keys() != {"images", "labels"}:
        return f"has the tensors {shorten(sorted(tensors))}, must have images and labels"
    count = len(tensors["images"]) if tensors["images"].dim() else 0
    shape = (count, dataset.channels, dataset.height, dataset.width)
    for name, expected in (("images", f"float32 {shape}"), ("labels", f"int64 ({count},)")):
        found = f"{tensors[name].dtype} {tuple(tensors[name].shape)}".removeprefix("torch.")
        if found != expected:
            return f"{name} are {to_line(found, 60)}, must be {expected}"
    labels = tensors["labels"]
    if count and not 0 <= labels.min() <= labels.max() < len(dataset.classes):
        return f"labels are {labels.min()} to {labels.max()}, must be 0 to {len(dataset.classes) - 1}"
    if not math.isfinite(tensors["images"].sum()):  # five times as fast as isfinite().all()
        return "images contain NaN or infinity, must be finite"
    return None
