import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from stages.shared.errors import StageError
from stages.shared.splits import Split, read_split, write_split
from stages.shared.tensor_file import MAX_BYTES, MAX_HEADER_BYTES
from tests.stages.conftest import make_split

IMAGES = np.zeros((3, 28, 28), np.float32)
LABELS = np.array([0, 5, 9], np.int64)


@pytest.mark.parametrize("size", [0, 1, 7])
def test_round_trip(tmp_path: Path, size: int) -> None:
    split = make_split(size, seed=0)
    write_split(tmp_path / "split", split)
    images, labels = read_split(tmp_path / "split")
    np.testing.assert_array_equal(images, split.images, strict=True)
    np.testing.assert_array_equal(labels, split.labels, strict=True)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES.astype(np.float64), LABELS, r"images are F64 \(3, 28, 28\), must be F32 \(n, 28, 28\)"),
        (IMAGES.reshape(3, 784), LABELS, r"images are F32 \(3, 784\)"),
        (IMAGES[:2], LABELS, r"labels are I64 \(3,\), must be I64 \(2,\)"),
        (IMAGES, LABELS.astype(np.uint8), r"labels are U8"),
        (IMAGES, LABELS + 1, r"labels are 1 to 10, must be 0 to 9"),
        (IMAGES, LABELS - 1, r"labels are -1 to 8"),
        (np.full_like(IMAGES, np.nan), LABELS, r"images contain NaN or infinity"),
    ],
)
def test_rejects_wrong_tensors(
    tmp_path: Path, images: NDArray[np.float32], labels: NDArray[np.int64], message: str
) -> None:
    write_split(tmp_path / "split", Split(images, labels))
    with pytest.raises(StageError, match=message) as error:
        read_split(tmp_path / "split")
    assert str(error.value).startswith(str(tmp_path / "split"))
    assert "dvc repro" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\x80\x04\x95pickle", b"\xff" * 64])
def test_rejects_other_file_format(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "split").write_bytes(content)
    with pytest.raises(StageError, match="not a safetensors file"):
        read_split(tmp_path / "split")


def test_rejects_wrong_names(tmp_path: Path) -> None:
    save_file({"pictures": IMAGES, "labels": LABELS}, tmp_path / "split")
    with pytest.raises(StageError, match="must have images and labels"):
        read_split(tmp_path / "split")


def write_tensors(path: Path, data_bytes: int, **tensors: tuple[str, list[int], int, int]) -> None:
    """Write a safetensors file by hand: dtype, shape and the range of bytes of each tensor, all of them zeros."""
    header = json.dumps(
        {name: {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
         for name, (dtype, shape, begin, end) in tensors.items()}
    ).encode()  # fmt: skip
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(file.tell() + data_bytes)  # takes no space on the disk


NO_IMAGES = ("F32", [0, 28, 28], 0, 0)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"images": ("BF16", [1, 28, 28], 0, 1568)}, r"images are BF16 \(1, 28, 28\), must be F32 \(n, 28, 28\)"),
        ({"images": ("F8_E4M3", [1, 28, 28], 0, 784)}, r"images are F8_E4M3 \(1, 28, 28\), must be"),
        ({"images": ("F4", [1, 28, 28], 0, 392)}, r"images are F4 \(1, 28, 28\), must be"),
        ({"images": ("C64", [0], 0, 0)}, r"images are C64 \(0,\), must be"),
        ({"images": ("F32", [], 0, 4)}, r"images are F32 \(\), must be"),
        ({"images": ("F32", [1] * 1000, 0, 4)}, r"images are F32 \(1, 1, 1, [1, ]*\.\.\., must be"),
        ({"images": ("F32", [0, 2**62, 28], 0, 0)}, r"images are F32 \(0, 4611686018427387904, 28\), must be"),
        ({"labels": ("BOOL", [0], 0, 0)}, r"labels are BOOL \(0,\), must be I64 \(0,\)"),
        ({"labels": ("I64", [], 0, 8)}, r"labels are I64 \(\), must be I64 \(0,\)"),
        ({"labels": ("I64", [10**8], 0, 8 * 10**8)}, r"labels are I64 \(100000000,\), must be I64 \(0,\)"),
        ({"9" * 5000: NO_IMAGES}, r"has the tensors \['9{55}\.\.\., must have images and labels"),
        ({"a\nb\x1b": NO_IMAGES}, r"has the tensors \['a\\nb\\x1b', 'images', 'labels'\], must have"),
        ({"images ": NO_IMAGES}, r"has the tensors \['images', 'images ', 'labels'\], must have"),
        ({str(number): NO_IMAGES for number in range(1000)}, r"has the tensors \['0', '1', '10', .*\.\.\., must have"),
        ({"images": ("F6_E2M3", [4, 28, 28], 0, 2352)}, r"images are F6_E2M3 \(4, 28, 28\), must be"),
        ({"x\n" * 500: ("F32", [1], 4, 8)}, r"not a safetensors file \(.*\.\.\.\)"),
        ({"labels": ("I64", [-1], 0, 0)}, r"not a safetensors file \(.*invalid value: integer `-1`"),
        ({"labels": ("I64", [2**40, 2**40], 0, 0)}, r"not a safetensors file \(.*overflow"),
    ],
)
def test_rejects_crafted_file_in_one_line(tmp_path: Path, tensors: dict[str, Any], message: str) -> None:
    size = max(end for _, _, _, end in tensors.values())
    write_tensors(tmp_path / "split", size, **({"images": NO_IMAGES, "labels": ("I64", [0], 0, 0)} | tensors))
    with pytest.raises(StageError) as error:
        read_split(tmp_path / "split")
    line = str(error.value).removeprefix(f"{tmp_path}/")
    assert re.match(f"split: {message}", line)
    assert line.endswith("; remove it and run dvc repro")
    assert line.isprintable()
    assert len(line) <= 200


@pytest.mark.parametrize(
    ("size", "tensors"),
    [
        (0, {f"{number}.bias": ("F32", [0], 0, 0) for number in range(2_000)}),
        (0, {"x" * MAX_HEADER_BYTES: NO_IMAGES}),
        (MAX_BYTES, {"labels": ("I64", [MAX_BYTES // 8], 0, MAX_BYTES)}),
    ],
    ids=["tensors", "name", "data"],
)
def test_rejects_large_file_before_it_is_loaded(tmp_path: Path, size: int, tensors: dict[str, Any]) -> None:
    write_tensors(tmp_path / "split", size, **tensors)
    limits = f"at most {MAX_BYTES} bytes, {MAX_HEADER_BYTES} of them in its header"
    with pytest.raises(StageError, match=f"split: not a safetensors file of {limits}; remove it and run dvc repro$"):
        read_split(tmp_path / "split")
