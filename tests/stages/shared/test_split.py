from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from runtime.errors import StageError
from stages.shared.split import Split, read_split, write_split
from tests.conftest import make_split

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
        (IMAGES.astype(np.float64), LABELS, r"images are float64 \(3, 28, 28\), must be float32 \(n, 28, 28\)"),
        (IMAGES.reshape(3, 784), LABELS, r"images are float32 \(3, 784\)"),
        (IMAGES[:2], LABELS, r"labels are int64 \(3,\), must be int64 \(2,\)"),
        (IMAGES, LABELS.astype(np.uint8), r"labels are uint8"),
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
