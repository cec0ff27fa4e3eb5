import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from stages.shared.files import check_undamaged, writing
from stages.shared.stage import StageError

MD5_OF_ABC = "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321, appendix A.5
LOCK = f"stages: {{train: {{outs: [{{path: models/x, hash: md5, md5: {MD5_OF_ABC}, size: 3}}]}}}}"


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of an output, in a folder with a dvc.lock that names it."""
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_text(LOCK)
    path = Path("models/x")
    path.parent.mkdir()
    path.write_bytes(b"abc")
    return path


def test_what_its_stage_wrote_passes(locked: Path) -> None:
    check_undamaged(locked)


@pytest.mark.parametrize("content", [b"abd", b"ab", b"", b"abcd"])
def test_what_was_damaged_is_named(locked: Path, content: bytes) -> None:
    locked.write_bytes(content)
    repair = "; to make it anew: python -m checks cache --repair && dvc repro"
    with pytest.raises(StageError, match=f"^models/x: is not the file that its stage wrote.*{repair}$"):
        check_undamaged(locked)


def test_the_first_damaged_one_of_several_is_named(locked: Path) -> None:
    Path("other").write_bytes(b"not in dvc.lock")
    locked.write_bytes(b"abd")
    with pytest.raises(StageError, match=r"^models/x: "):
        check_undamaged(Path("other"), locked)


@pytest.mark.parametrize("lock", ["schema: '2.0'", "stages: {validate: {cmd: 'true'}}"])
def test_a_lock_without_outputs_names_no_file(locked: Path, lock: str) -> None:
    Path("dvc.lock").write_text(lock)
    check_undamaged(locked)


def test_without_a_lock_everything_passes(locked: Path) -> None:
    Path("dvc.lock").unlink()
    locked.write_bytes(b"abd")
    check_undamaged(locked)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes, as if the disk were full."""
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
def test_what_there_is_no_room_for_is_named(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "folder/x"
    with (
        pytest.raises(StageError, match=rf"^{path}: cannot be written: .*(File too large|os error)") as error,
        file_size_limit(5_000),
        writing(path),
    ):
        write(path)
    assert "\n" not in str(error.value)


def test_a_folder_is_made(tmp_path: Path) -> None:
    with writing(tmp_path / "a/b/c"):
        (tmp_path / "a/b/c").touch()


def test_other_faults_keep_their_names(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"^one$"), writing(tmp_path / "x"):
        raise StageError("one")
    with pytest.raises(ZeroDivisionError), writing(tmp_path / "x"):
        raise ZeroDivisionError


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").touch()
    with pytest.raises(StageError, match=r"models/x: cannot be written: File exists"), writing(tmp_path / "models/x"):
        pytest.fail("there is no folder to write to")
