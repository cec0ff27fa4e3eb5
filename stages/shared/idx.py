"""IDX, the file format of MNIST: a big-endian header (magic number, dimensions), then the bytes.

Source: the section "The IDX file format" of Yann LeCun's MNIST page.
"""

import math
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.shared.errors import StageError

UNSIGNED_BYTE = 0x08
MAX_BYTES = 2**26  # the largest file of MNIST has 47 million


class IdxFiles(NamedTuple):
    """File names of the training or the test part of a data set."""

    images: str
    labels: str


TRAIN = IdxFiles("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = IdxFiles("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def read_images_and_labels(folder: Path, files: IdxFiles) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Read images, of shape (n, height, width) or (n, height, width, channels), and labels, of shape (n,).

    Raises:
        StageError: a file is not valid IDX, or the two do not match.
    """
    images = read_idx(folder / files.images, 3, 4)
    labels = read_idx(folder / files.labels, 1)
    if len(images) != len(labels):
        raise StageError(
            f"{folder}: {len(images)} images in {files.images}, but {len(labels)} labels in {files.labels}"
        )
    return images, labels


def read_idx(path: Path, *dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes with one of these numbers of dimensions.

    The header is compared with the size of the file before the data is read, so memory is bounded by that size.

    Raises:
        StageError: the magic number, a dimension or the length is wrong.
    """
    magic_numbers = {UNSIGNED_BYTE << 8 | count: count for count in dimensions}
    with path.open("rb") as file:
        magic = int.from_bytes(start := file.read(4))
        if len(start) == 4 and magic not in magic_numbers:
            allowed = " or ".join(f"{number:#010x}" for number in magic_numbers)
            raise StageError(f"{path}: magic number {magic:#010x}, must be {allowed}")
        count = magic_numbers.get(magic, dimensions[0])
        header_size = 4 + 4 * count
        header = start + file.read(4 * count)
        if len(header) < header_size:
            raise StageError(f"{path}: {len(header)} bytes, shorter than an IDX header of {header_size}")
        shape = struct.unpack(f">{count}I", header[4:])
        if 0 in shape:
            raise StageError(f"{path}: dimensions {list(shape)}, must be 1 or more")
        size = path.stat().st_size - header_size
        if size != math.prod(shape):
            raise StageError(f"{path}: header says {math.prod(shape)} bytes of data ({list(shape)}), file has {size}")
        if size > MAX_BYTES:
            raise StageError(f"{path}: has {size} bytes of data, must have at most {MAX_BYTES}")
        return np.fromfile(file, dtype=np.uint8).reshape(shape)


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    """Write an array of unsigned bytes as an IDX file."""
    header = struct.pack(f">{1 + array.ndim}I", UNSIGNED_BYTE << 8 | array.ndim, *array.shape)
    path.write_bytes(header + array.tobytes())
