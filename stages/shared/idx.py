"""IDX, the file format of MNIST: a big-endian header (magic number, dimensions), then the values.

The files of a data set are four, and the names of its classes, as a list in JSON.

Source: the section "The IDX file format" of Yann LeCun's MNIST page.
"""

import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.shared.errors import StageError

TYPES: dict[int, np.dtype[Any]] = {0x08: np.dtype(np.uint8), 0x0C: np.dtype(">i4")}  # by the code in the magic number
MAX_BYTES = 2**31  # the largest file of MNIST has 47 million


class IdxFiles(NamedTuple):
    """File names of the training or the test part of a data set."""

    images: str
    labels: str


TRAIN = IdxFiles("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = IdxFiles("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
CLASSES = "classes.json"


def read_images_and_labels(folder: Path, files: IdxFiles) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read images, of shape (n, height, width) or (n, height, width, channels), and labels, of shape (n,).

    Raises:
        StageError: a file is not valid IDX, or the two do not match.
    """
    images = read_idx(folder / files.images, 3, 4)
    labels = read_idx(folder / files.labels, 1, codes=tuple(TYPES)).astype(np.int64)
    if len(images) != len(labels):
        raise StageError(
            f"{folder}: {len(images)} images in {files.images}, but {len(labels)} labels in {files.labels}"
        )
    return images, labels


def read_idx(path: Path, *dimensions: int, codes: Sequence[int] = (0x08,)) -> NDArray[Any]:
    """Read an IDX file of values of one of these types (unsigned bytes), with one of these numbers of dimensions.

    The header is compared with the size of the file before the data is read, so memory is bounded by that size.

    Raises:
        StageError: the magic number, a dimension or the length is wrong.
    """
    magic_numbers = {code << 8 | count: (TYPES[code], count) for code in codes for count in dimensions}
    with path.open("rb") as file:
        magic = int.from_bytes(start := file.read(4))
        if len(start) == 4 and magic not in magic_numbers:
            allowed = " or ".join(f"{number:#010x}" for number in magic_numbers)
            raise StageError(f"{path}: magic number {magic:#010x}, must be {allowed}")
        dtype, count = magic_numbers.get(magic, (TYPES[0x08], dimensions[0]))
        header_size = 4 + 4 * count
        header = start + file.read(4 * count)
        if len(header) < header_size:
            raise StageError(f"{path}: {len(header)} bytes, shorter than an IDX header of {header_size}")
        shape = struct.unpack(f">{count}I", header[4:])
        if 0 in shape:
            raise StageError(f"{path}: dimensions {list(shape)}, must be 1 or more")
        size, expected = path.stat().st_size - header_size, math.prod(shape) * dtype.itemsize
        if size != expected:
            raise StageError(f"{path}: header says {expected} bytes of data ({list(shape)}), file has {size}")
        if size > MAX_BYTES:
            raise StageError(f"{path}: has {size} bytes of data, must have at most {MAX_BYTES}")
        return np.fromfile(file, dtype).reshape(shape)


def write_idx(path: Path, array: NDArray[Any]) -> None:
    """Write an array of unsigned bytes, or of integers of 32 bits, as an IDX file."""
    [(code, dtype)] = [(code, dtype) for code, dtype in TYPES.items() if dtype.itemsize == array.itemsize]
    with path.open("wb") as file:
        file.write(struct.pack(f">{1 + array.ndim}I", code << 8 | array.ndim, *array.shape))
        array.astype(dtype, order="C", copy=False).tofile(file)


def read_classes(folder: Path) -> tuple[str, ...]:
    """Read the names of the classes, by label.

    Raises:
        StageError: the file is not a list of two or more different names in JSON.
    """
    path = folder / CLASSES
    try:
        classes = json.loads(path.read_bytes())
    except ValueError:
        classes = None
    match classes:
        case [str(), str(), *others] if all(isinstance(name, str) for name in others):
            if len(set(classes)) == len(classes):
                return tuple(classes)
    raise StageError(f"{path}: must be a list of two or more different names in JSON")


def write_classes(folder: Path, classes: Sequence[str]) -> None:
    """Write the names of the classes, by label."""
    (folder / CLASSES).write_text(json.dumps(classes, ensure_ascii=False) + "\n", encoding="utf-8")
