import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save_file

from runtime.errors import StageError
from runtime.files import writing


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Limit the size of the files that this process writes, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(bytes(9_000)),
        lambda path: save_file({"x": np.zeros(1_000)}, path),
        lambda path: pd.DataFrame({"x": range(9_000)}).to_csv(path),
    ],
    ids=["bytes", "safetensors", "csv"],
)
def test_names_file_that_does_not_fit(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "folder/x"
    with (
        pytest.raises(StageError, match=rf"^{path}: cannot be written: .*(File too large|os error)") as error,
        file_size_limit(5_000),
        writing(path, SafetensorError),
    ):
        write(path)
    assert "\n" not in str(error.value)


def test_creates_folder(tmp_path: Path) -> None:
    with writing(tmp_path / "a/b/c"):
        (tmp_path / "a/b/c").touch()


def test_passes_other_errors_on(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"^one$"), writing(tmp_path / "x"):
        raise StageError("one")
    with pytest.raises(ZeroDivisionError), writing(tmp_path / "x"):
        raise ZeroDivisionError


def test_names_file_in_place_of_folder(tmp_path: Path) -> None:
    (tmp_path / "models").touch()
    with pytest.raises(StageError, match=r"models/x: cannot be written: File exists"), writing(tmp_path / "models/x"):
        pytest.fail("there is no folder to write to")
