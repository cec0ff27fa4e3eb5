import re
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.shared import idx
from stages.shared.errors import StageError

LABELS = struct.pack(">2I", 0x801, 3)
IMAGES = struct.pack(">4I", 0x803, 3, 28, 28)


def write_pair(folder: Path, images: bytes = IMAGES + bytes(3 * 784), labels: bytes = LABELS + b"\x00\x05\x09") -> None:
    (folder / idx.TRAIN.images).write_bytes(images)
    (folder / idx.TRAIN.labels).write_bytes(labels)


def test_writes_format_of_mnist_and_reads_it(tmp_path: Path) -> None:
    images = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    idx.write_idx(tmp_path / idx.TEST.images, images)
    idx.write_idx(tmp_path / idx.TEST.labels, np.array([7, 1], dtype=np.uint8))
    header = "00000803 00000002 00000002 00000003"
    assert (tmp_path / idx.TEST.images).read_bytes() == bytes.fromhex(header) + bytes(range(12))
    assert (tmp_path / idx.TEST.labels).read_bytes() == bytes.fromhex("00000801 00000002 07 01")
    read_images, read_labels = idx.read_images_and_labels(tmp_path, idx.TEST)
    np.testing.assert_array_equal(read_images, images, strict=True)
    np.testing.assert_array_equal(read_labels, np.array([7, 1], np.int64), strict=True)


def test_round_trip_of_more_than_256_labels(tmp_path: Path) -> None:
    idx.write_idx(tmp_path / idx.TEST.images, np.zeros((3, 2, 2), np.uint8))
    idx.write_idx(tmp_path / idx.TEST.labels, np.array([0, 256, 70_000], np.int32))
    assert (tmp_path / idx.TEST.labels).read_bytes() == bytes.fromhex("00000c01 00000003 00000000 00000100 00011170")
    assert idx.read_images_and_labels(tmp_path, idx.TEST)[1].tolist() == [0, 256, 70_000]


@pytest.mark.parametrize("content", ["[", "{}", '["a"]', '["a", 1]', '["a", "b", "a"]'])
def test_rejects_classes(content: str, tmp_path: Path) -> None:
    (tmp_path / idx.CLASSES).write_text(content)
    with pytest.raises(StageError, match=f"{idx.CLASSES}: must be a list of two or more different names in JSON$"):
        idx.read_classes(tmp_path)


def test_writes_transposed_array_in_order(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.uint8).reshape(1, 2, 3).transpose(0, 2, 1)
    idx.write_idx(tmp_path / "file", array)
    np.testing.assert_array_equal(idx.read_idx(tmp_path / "file", 3), array)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("labels", LABELS[:7], "7 bytes, shorter than an IDX header of 8"),
        ("labels", b"\x1f\x8b" + LABELS, "magic number 0x1f8b0000, must be 0x00000801 or 0x00000c01"),
        ("labels", IMAGES + bytes(3 * 784), "magic number 0x00000803, must be 0x00000801 or 0x00000c01"),
        ("labels", LABELS + bytes(2), "header says 3 bytes of data ([3]), file has 2"),
        ("labels", LABELS + bytes(4), "header says 3 bytes of data ([3]), file has 4"),
        ("images", IMAGES + bytes(3 * 784 - 1), "header says 2352 bytes of data ([3, 28, 28]), file has 2351"),
        ("images", struct.pack(">4I", 0x803, 0, 2**32 - 1, 1), "dimensions [0, 4294967295, 1], must be 1 or more"),
    ],
)
def test_rejects_wrong_file(file: str, content: bytes, message: str, tmp_path: Path) -> None:
    write_pair(tmp_path, **{file: content})
    path = tmp_path / getattr(idx.TRAIN, file)
    with pytest.raises(StageError, match=f"^{re.escape(f'{path}: {message}')}$"):
        idx.read_images_and_labels(tmp_path, idx.TRAIN)


def test_rejects_different_counts(tmp_path: Path) -> None:
    write_pair(tmp_path, labels=struct.pack(">2I", 0x801, 2) + bytes(2))
    with pytest.raises(StageError, match=f"3 images in {idx.TRAIN.images}, but 2 labels in {idx.TRAIN.labels}"):
        idx.read_images_and_labels(tmp_path, idx.TRAIN)


def test_large_header_needs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(struct.pack(">4I", 0x803, *[2**32 - 1] * 3) + bytes(100))
    tracemalloc.start()
    with pytest.raises(StageError, match=f"{re.escape(str(path))}: header says {(2**32 - 1) ** 3} bytes"):
        idx.read_idx(path, 3)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_rejects_large_file_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(struct.pack(">2I", 0x801, 2**32 - 1))
    with path.open("ab") as file:
        file.truncate(8 + 2**32 - 1)  # takes no space on the disk
    with pytest.raises(
        StageError, match=rf"^{re.escape(str(path))}: has 4294967295 bytes of data, must have at most 2147483648"
    ):
        idx.read_idx(path, 1)


sizes = st.sampled_from([0, 1, 2, 3, 27, 28, 2**16, 2**32 - 1])
headers = st.builds(
    lambda magic, shape: struct.pack(f">{1 + len(shape)}I", magic, *shape),
    st.sampled_from([0x801, 0x802, 0x803, 0x903, 0]),
    st.lists(sizes, max_size=4),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.one_of(headers, st.binary(max_size=20)), data=st.binary(max_size=30), dimensions=st.sampled_from([1, 3])
)
def test_reads_or_rejects_any_bytes(tmp_path: Path, header: bytes, data: bytes, dimensions: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(header + data)
    try:
        array = idx.read_idx(path, dimensions)
    except StageError as error:
        assert re.fullmatch(f"{re.escape(str(path))}: .+", str(error))  # noqa: PT017 - not every example raises
    else:
        assert (array.dtype.name, array.ndim) == ("uint8", dimensions)
        assert struct.pack(f">{1 + dimensions}I", 0x800 | dimensions, *array.shape) + array.tobytes() == header + data
