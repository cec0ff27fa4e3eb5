"""The normalized splits of the data set (train, validation, test), each in a safetensors file."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

from runtime.errors import StageError
from runtime.files import writing
from runtime.yaml_file import shorten, to_line
from stages.shared.shapes import CLASSES, IMAGE_SIZE
from stages.shared.tensor_file import reading

if TYPE_CHECKING:
    from torch import Tensor

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

    with reading(path):
        tensors = load_file(path)
    if problem := _find_problem(tensors):
        raise StageError(f"{path}: {problem}; remove it and run dvc repro")
    return Split(tensors["images"].numpy(), tensors["labels"].numpy())


def _find_problem(tensors: "dict[str, Tensor]") -> str | None:
    if tensors.keys() != {"images", "labels"}:
        return f"has the tensors {shorten(sorted(tensors))}, must have images and labels"
    images, labels = tensors["images"], tensors["labels"]
    count = len(images) if images.ndim else 0
    if (found := _describe(images)) != f"float32 ({count}, {IMAGE_SIZE}, {IMAGE_SIZE})":
        return f"images are {to_line(found, 60)}, must be float32 (n, 28, 28)"
    if (found := _describe(labels)) != f"int64 ({count},)":
        return f"labels are {to_line(found, 60)}, must be int64 ({count},)"
    if count and not 0 <= labels.min() <= labels.max() < CLASSES:
        return f"labels are {labels.min()} to {labels.max()}, must be 0 to 9"
    if not images.isfinite().all():
        return "images contain NaN or infinity, must be finite"
    return None


def _describe(tensor: "Tensor") -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
