import errno
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save_file

from stages.shared.errors import StageError, errors_in_lines, shorten, to_line, writing


@pytest.mark.parametrize(
    ("error", "lines", "status"),
    [
        (StageError("params.yaml: lr: 0 is not allowed"), ["error: params.yaml: lr: 0 is not allowed"], 1),
        (StageError("one\ntwo", status=3), ["error: one", "error: two"], 3),
        (
            FileNotFoundError(errno.ENOENT, "No such file", "data/raw/x"),
            ["error: data/raw/x: no such file; run dvc repro, which creates what is missing"],
            1,
        ),
        (
            FileNotFoundError("No such file or directory: models/x"),  # of safetensors
            ["error: No such file or directory: models/x; run dvc repro, which creates what is missing"],
            1,
        ),
        (PermissionError(errno.EACCES, "Permission denied", "models"), ["error: models: Permission denied"], 1),
        (KeyboardInterrupt(), ["error: interrupted"], 1),
        (StageError("x" * 3000), [f"error: {'x' * 1990}..."], 1),
        (StageError("\n".join("x" * 21)), [*["error: x"] * 19, "error: 2 more errors"], 1),
    ],
)
def test_prints_errors_of_the_user_as_lines(
    capfd: pytest.CaptureFixture[str], error: BaseException, lines: list[str], status: int
) -> None:
    with pytest.raises(SystemExit) as caught, errors_in_lines():
        raise error
    assert caught.value.code == status
    assert capfd.readouterr().err == "\n".join(lines) + "\n"


def test_keeps_traceback_of_other_errors() -> None:
    with pytest.raises(ZeroDivisionError), errors_in_lines():
        raise ZeroDivisionError


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
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, limits[1]))  # as a full disk does
    try:
        with (
            pytest.raises(StageError, match=rf"^{path}: cannot be written: .*(File too large|os error)[^\n]*$"),
            writing(path, SafetensorError),
        ):
            write(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_names_file_in_place_of_folder(tmp_path: Path) -> None:
    (tmp_path / "models").touch()
    with pytest.raises(StageError, match=r"models/x: cannot be written: File exists"), writing(tmp_path / "models/x"):
        pytest.fail("there is no folder to write to")


def test_writing_passes_other_errors_on(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"^one$"), writing(tmp_path / "x"):
        raise StageError("one")
    with pytest.raises(ZeroDivisionError), writing(tmp_path / "x"):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("value", "shown"),
    [("x" * 58, f"'{'x' * 58}'"), ("x" * 59, f"'{'x' * 56}..."), ({"a": "b\n  c"}, "{'a': 'b\\n c'}")],
)
def test_shortens_value_to_60_characters(value: object, shown: str) -> None:
    assert shorten(value) == shown


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\x1b[31m\u202e\ud800\nb\x85c\u2028d", "\\x1b[31m\\u202e\\ud800\\nb\\x85c\\u2028d"),
        ("é 😀", "é 😀"),
        ("\n" * 50, "\\n" * 28 + "\\..."),
    ],
)
def test_line_is_printable(text: str, line: str) -> None:
    assert to_line(text, 60) == line
