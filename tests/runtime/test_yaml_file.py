import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.errors import StageError
from runtime.yaml_file import MAX_BYTES, MAX_DEPTH, MAX_NODES, YamlError, read_yaml_mapping, shorten, to_line
from tests.clone import ROOT

FRAGMENTS = [
    *(
        "lr: 1\n",
        "a",
        "1",
        "? ",
        ": ",
        ":",
        ", ",
        "[",
        "]",
        "{",
        "}",
        "- ",
        "\n",
        "\n  ",
        " ",
        "\t",
        "\r\n",
        "'",
        '"',
        "\\",
    ),
    *("|\n", ">-\n", "# c", "---\n", "...\n", "&a ", "*a", "!!int ", "!x ", "<<: ", "%YAML 1.1\n", "%TAG ! x\n"),
    *("0b_", "._", ".nan", "-.inf", "9" * 5000, "0x" + "f" * 5000, "2024-13-45", "0001-01-01 00:00:00 +99:99"),
    *("\0", "\x07", "\x85", "\u2028", "\ufeff", "\U0001f600", '"\\ud800"', "~", "null", "="),
]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder, and return the path of a file there."""
    monkeypatch.chdir(tmp_path)
    return Path("file.yaml")


def nest(levels: int) -> str:
    return "a: " + "[" * (levels - 2) + "1" + "]" * (levels - 2)


def test_reads_yaml_of_dvc() -> None:
    assert (
        read_yaml_mapping(ROOT / "dvc.yaml")["stages"].keys() == read_yaml_mapping(ROOT / "dvc.lock")["stages"].keys()
    )


def test_reads_up_to_limits(path: Path) -> None:
    path.write_text(nest(MAX_DEPTH))
    assert list(read_yaml_mapping(path)) == ["a"]
    path.write_text("".join(f"{number}: 1\n" for number in range(MAX_NODES // 2 - 1)))
    assert len(read_yaml_mapping(path)) == MAX_NODES // 2 - 1
    path.write_text("a: 1\n".ljust(MAX_BYTES, "#"))
    assert read_yaml_mapping(path) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (nest(MAX_DEPTH + 1), f"line 1: {nest(MAX_DEPTH + 1)!r}", "more than 20 levels are not allowed"),
        (
            "a: [" + "1," * MAX_NODES + "]",
            f"line 1: 'a: [{'1,' * 26}...",
            "more than 5000 keys and values are not allowed",
        ),
        ("a: &x 1", "line 1: 'a: &x 1'", "anchors, aliases and tags are not allowed"),
        ("a: 1\nb: *x", "line 2: 'b: *x'", "anchors, aliases and tags are not allowed"),
        ("a: !!str 1", "line 1: 'a: !!str 1'", "anchors, aliases and tags are not allowed"),
        ("a: ! 1", "line 1: 'a: ! 1'", "anchors, aliases and tags are not allowed"),
        ("%YAML 1.1\n---\na: 1", "line 1: '%YAML 1.1'", "directives are not allowed"),
        ("a: 1\n%YAML 9.9\n", "line 2: '%YAML 9.9'", "directives are not allowed"),
        ("a: 1\n? [x]\n: 2", "line 2: '? [x]'", "lists and mappings as keys are not allowed"),
        ("a: {{b: 1}: 2}", "line 1: 'a: {{b: 1}: 2}'", "lists and mappings as keys are not allowed"),
        ("a: 1\nb: \x1b", "line 2: 'b: \\x1b'", "control characters are not allowed"),
        (
            "a: 1\nb: [1\n\n",
            "line 2: 'b: [1'",
            "while parsing a flow sequence expected ',' or ']', but got '<stream end>'",
        ),
        (
            "a: 1\r\nb: @\r\n",
            "line 2: 'b: @'",
            "while scanning for the next token found character '@' that cannot start",
        ),
        (
            f"a: {'x' * 500}\na: 1",
            "line 2: 'a: 1'",
            'while constructing a mapping found duplicate key "a" with value "1" (',
        ),
        ("a: 1\n---\nb: 1", "line 2: '---'", "expected a single document in the stream but found another document"),
    ],
)
def test_names_line(path: Path, text: str, line: str, problem: str) -> None:
    path.write_bytes(text.encode())
    with pytest.raises(YamlError) as error:
        read_yaml_mapping(path)
    assert str(error.value).startswith(f"file.yaml, {line} cannot be parsed: {problem}")
    assert len(str(error.value)) <= 220


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a: 1\nb: @\nc: 1", "b"),
        ("a: 1\nb:\n# comment\n- 1\n\n- @\n", "b"),
        ("a: 1\n\tb: 2", "b"),
        ("a: 1\n@", "@"),
        ("@", "@"),
    ],
)
def test_names_key(path: Path, text: str, key: str) -> None:
    path.write_text(text)
    with pytest.raises(YamlError) as error:
        read_yaml_mapping(path)
    assert error.value.key == key


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2024-01-05", "2024-01-05"),
        ("2024-13-45", "2024-13-45"),
        ("0001-01-01 00:00:00 +99:99", "0001-01-01 00:00:00 +99:99"),
        ("9" * 5000, "9" * 57 + "..."),
        ("0x" + "f" * 5000, "0x" + "f" * 55 + "..."),
        ("0b_", "0b_"),
        ("'2024-01-05'", "'2024-01-05'"),
        ("0x1f", "31"),
        ("1e-05", "1e-05"),
    ],
)
def test_shows_values_as_written(path: Path, written: str, shown: str) -> None:
    path.write_text(f"a: {written}")
    assert shorten(read_yaml_mapping(path)["a"]) == shown


def test_rejects_large_file(path: Path) -> None:
    path.write_text("a: 1\n".ljust(MAX_BYTES + 1, "#"))
    with pytest.raises(StageError, match=rf"^file.yaml: has {MAX_BYTES + 1} bytes, must have at most {MAX_BYTES}$"):
        read_yaml_mapping(path)


def test_rejects_what_is_no_regular_file(path: Path) -> None:
    os.mkfifo(path)
    for other in (path, Path("/dev/zero"), Path()):
        with pytest.raises(StageError, match=r": not a regular file$"):
            read_yaml_mapping(other)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fragments=st.lists(st.sampled_from(FRAGMENTS), max_size=12))
def test_reads_or_rejects_any_text(path: Path, fragments: list[str]) -> None:
    path.write_bytes("".join(fragments).encode())
    try:
        assert isinstance(read_yaml_mapping(path), dict)
    except StageError as error:
        assert str(error).isprintable()  # noqa: PT017 - not every example raises
        assert len(str(error)) <= 220  # noqa: PT017


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (["a", 1], "['a', 1]"),
        ("x" * 58, f"'{'x' * 58}'"),
        ("x" * 59, f"'{'x' * 56}..."),
        ({"a": "b\n  c"}, "{'a': 'b\\n c'}"),
    ],
)
def test_shortens_value_to_60_characters(value: object, shown: str) -> None:
    assert shorten(value) == shown
    assert len(shorten(value)) <= 60


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\nb\x85c\u2028d", "a\\nb\\x85c\\u2028d"),
        ("\x1b[31m\u202e\ud800", "\\x1b[31m\\u202e\\ud800"),
        ("é 😀", "é 😀"),
        ("\n" * 50, "\\n" * 28 + "\\..."),
    ],
)
def test_line_is_printable(text: str, line: str) -> None:
    assert to_line(text, 60) == line
