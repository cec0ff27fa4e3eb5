import os
from pathlib import Path

import pytest

from dvc_guard.errors import GuardError
from dvc_guard.yaml_file import read_yaml_mapping

PATH = Path("file.yaml")
LEVELS = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 10))
MERGES = "".join(f"l{n}: &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * 9)}]}}\n" for n in range(1, 10))


def test_reads_as_dvc_does(empty_folder: Path) -> None:
    PATH.write_text("# YAML 1.2\na: 1e-05\nb: &b [no, 010]\nc: *b\nd: {<<: {e: 1}, f: 2.0}\n")
    values = {"a": 1e-05, "b": ["no", 10], "c": ["no", 10], "d": {"e": 1, "f": 2.0}}
    assert read_yaml_mapping(PATH) == values


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: 1\nb: [\n", ", line 3: cannot be parsed: "),
        ("a: 1\na: 2\n", ", line 2: cannot be parsed: "),
        ("a: \0\n", ": cannot be parsed: "),
        ("a: 2024-13-45\n", ": cannot be parsed: "),
        (f"a: {'9' * 5000}\n", ": cannot be parsed: "),
        ("- 1\n", ": must be a mapping of keys to values, is [1]"),
        ("", ": must be a mapping of keys to values, is None"),
        (f"a: {'[' * 5000}", ": must have at most 50 levels"),
        (f"l0: &l0 [1]\n{LEVELS}", ": must have at most 1000000 keys and values"),
        (f"l0: &l0 {{a: 1}}\n{MERGES}", ": must have at most 1000000 keys and values"),
        ("a: &a [*a]\n", ": must have at most 1000000 keys and values"),
        (f"a: {'x' * 10_000_000}\n", ": has 10000004 bytes, must have at most 10000000"),
    ],
    ids=lambda text: text[:12],
)
def test_rejects_in_one_line(empty_folder: Path, text: str, error: str) -> None:
    PATH.write_text(text)
    with pytest.raises(GuardError) as caught:
        read_yaml_mapping(PATH)
    assert str(caught.value).startswith(f"{PATH}{error}")
    assert "\n" not in str(caught.value)


def test_rejects_what_is_no_text(empty_folder: Path) -> None:
    PATH.write_bytes(b"\xff\xfe")
    with pytest.raises(GuardError, match=r"^file\.yaml: not UTF-8 text$"):
        read_yaml_mapping(PATH)
    PATH.unlink()
    os.mkfifo(PATH)
    with pytest.raises(GuardError, match=r"^file\.yaml: not a regular file$"):
        read_yaml_mapping(PATH)
