import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from stages.shared.errors import StageError
from stages.shared.safetensors_file import format_metadata
from stages.shared.splits import read_split, write_split
from tests.stages.conftest import DATASET, make_split

IMAGES = np.zeros((3, 1, 28, 28), np.float32)
LABELS = np.array([0, 5, 9], np.int64)


@pytest.mark.parametrize("size", [0, 7])
def test_round_trip(tmp_path: Path, size: int) -> None:
    images, labels, dataset = make_split(size)
    write_split(tmp_path / "split", images.numpy(), labels.numpy(), dataset)
    split = read_split(tmp_path / "split")
    torch.testing.assert_close(split.images, images, rtol=0, atol=0)
    torch.testing.assert_close(split.labels, labels)
    assert split.dataset == dataset


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES.astype(np.float64), LABELS, "images are float64 (3, 1, 28, 28), must be float32 (3, 1, 28, 28)"),
        (np.zeros((), np.float32), LABELS, "images are float32 (), must be float32 (0, 1, 28, 28)"),
        (IMAGES[:2], LABELS, "labels are int64 (3,), must be int64 (2,)"),
        (IMAGES, LABELS.astype(np.uint8), "labels are uint8 (3,), must be int64 (3,)"),
        (IMAGES, LABELS + 1, "labels are 1 to 10, must be 0 to 9"),
        (np.where(np.arange(3).reshape(3, 1, 1, 1) > 1, np.float32(np.nan), IMAGES), LABELS, "images contain NaN or"),
    ],
)
def test_rejects_wrong_tensors(
    tmp_path: Path, images: NDArray[np.float32], labels: NDArray[np.int64], message: str
) -> None:
    write_split(tmp_path / "split", images, labels, DATASET)
    reject(tmp_path / "split", message)


def test_rejects_other_file_format(tmp_path: Path) -> None:
    (tmp_path / "split").write_bytes(b"\x80\x04\x95pickle")
    reject(tmp_path / "split", "not a safetensors file (")


def test_rejects_missing_metadata(tmp_path: Path) -> None:
    save_file({"images": IMAGES, "labels": LABELS}, tmp_path / "split")
    reject(tmp_path / "split", "metadata: ")


NO_IMAGES = ("F32", [0, 1, 28, 28], 0, 0)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"images": ("BF16", [1, 1, 28, 28], 0, 1568)}, "images are bfloat16 (1, 1, 28, 28), must be"),
        ({"images": ("F4", [1, 28, 28], 0, 392)}, "images are float4_e2m1fn_x2 (1, 28, 14), must be"),
        ({"images": ("F32", [1] * 1000, 0, 4)}, "images are float32 (1, 1, 1, "),
        ({"labels": ("I64", [10**8], 0, 8 * 10**8)}, "labels are int64 (100000000,), must be int64 (0,)"),
        ({"a\nb\x1b": NO_IMAGES}, "has the tensors ['a\\nb\\x1b', 'images', 'labels'], must have images and labels"),
        ({"x\n" * 500: ("F32", [1], 4, 8)}, "not a safetensors file ("),
        ({"labels": ("I64", [2**40, 2**40], 0, 0)}, "not a safetensors file ("),
    ],
)
def test_rejects_crafted_file_in_one_line(tmp_path: Path, tensors: dict[str, Any], message: str) -> None:
    """The header is written by hand: dtype, shape and the range of bytes of each tensor, all of them zeros."""
    entries = {"images": NO_IMAGES, "labels": ("I64", [0], 0, 0)} | tensors
    keys = ("dtype", "shape", "data_offsets")
    content = {
        name: dict(zip(keys, (dtype, shape, [begin, end]), strict=True))
        for name, (dtype, shape, begin, end) in entries.items()
    }
    header = json.dumps({"__metadata__": format_metadata(DATASET)} | content).encode()
    with (tmp_path / "split").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(file.tell() + max(end for _, _, _, end in entries.values()))  # takes no space on the disk
    reject(tmp_path / "split", message)


def reject(path: Path, message: str) -> None:
    with pytest.raises(
        StageError, match=f"^{re.escape(f'{path}: {message}')}.*; remove it and run dvc repro$"
    ) as error:
        read_split(path)
    assert str(error.value).isprintable()
    assert len(str(error.value)) <= len(str(path)) + 250
