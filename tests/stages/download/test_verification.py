import re
from pathlib import Path

import pytest

from runtime.errors import StageError
from stages.download.verification import MNIST_SHA256, verify
from tests.stages.download.conftest import NAMES, Files


@pytest.fixture
def folder(tmp_path: Path, contents: Files) -> Path:
    """Write the small data set."""
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_accepts_valid_files(folder: Path) -> None:
    verify("kmnist", folder)


@pytest.mark.parametrize("name", NAMES)
def test_rejects_truncated_file(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:-1])
    with pytest.raises(StageError, match=rf"^{re.escape(str(folder / name))}: header says"):
        verify("kmnist", folder)


def test_rejects_other_data_as_mnist(folder: Path) -> None:
    with pytest.raises(StageError, match=rf"{NAMES[0]}: SHA-256 is .*, must be {MNIST_SHA256[NAMES[0]]}$"):
        verify("mnist", folder)
