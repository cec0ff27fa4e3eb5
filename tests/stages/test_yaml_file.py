import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.shared.errors import StageError
from stages.shared.yaml_file import MAX_BYTES, MAX_DEPTH, read_yaml_mapping

pytestmark = pytest.mark.timeout(60)  # a small file must not take long

DIGITS = "9" * 5000
BOMB = "".join(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 9))


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder, and return the path of a file there."""
    monkeypatch.chdir(tmp_path)
    return Path("file.yaml")


def nest(levels: int) -> str:
    return "a: " + "[" * (levels - 1) + "1" + "]" * (levels - 1)


def name(value: object) -> str:
    return ascii(value)[:40]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(("1e-05", 1e-5), (".5", 0.5), ("0x1f", 31), ("yes", "yes"), ("~", None), ("[128, 64]", [128, 64])),
        # As text what is no number for the stages: a date, a number that Python does not write or that is none.
        *((text, text) for text in ("2024-01-05", "2024-13-45", "0001-01-01 00:00:00 +99:99", "0b_", "._")),
        *((text, text) for text in (DIGITS, f"-{DIGITS}", f"0x{'f' * 5000}")),
    ],
    ids=name,
)
def test_reads_value(path: Path, written: str, value: object) -> None:
    path.write_text(f"a: {written}")
    assert read_yaml_mapping(path) == {"a": value}


def test_reads_up_to_limits(path: Path) -> None:
    path.write_text(nest(MAX_DEPTH))
    assert list(read_yaml_mapping(path)) == ["a"]
    path.write_text("a: 1\n".ljust(MAX_BYTES, "#"))
    assert read_yaml_mapping(path) == {"a": 1}


NO_ALIASES = "anchors, aliases and tags are not allowed"


@pytest.mark.parametrize(
    ("text", "where", "problem"),
    [
        *((f"a: {value}", f"line 1: 'a: {value}'", NO_ALIASES) for value in ("&x 1", "*x", "!!str 1", "! 1")),
        ("a: !!python/object/apply:os.system [x]", "line 1: 'a: !!python/object/apply:os.system [x]'", NO_ALIASES),
        (f"a: !{'x' * 90_000}", f"line 1: 'a: !{'x' * 52}...", NO_ALIASES),
        (f"a0: &a0 [x]\n{BOMB}seed: *a8", "line 1: 'a0: &a0 [x]'", NO_ALIASES),
        (nest(MAX_DEPTH + 1), f"line 1: '{nest(MAX_DEPTH + 1)}'", "more than 20 levels are not allowed"),
        (f"a: {'{a: ' * 20_000}", f"line 1: 'a: {'{a: ' * 13}{{...", "more than 20 levels are not allowed"),
        ("%YAML 1.1\n---\na: 1", "line 2: '---'", "directives are not allowed"),
        ("a: 1\nb: \x1b[31m", "line 2: 'b: \\x1b[31m'", "control characters are not allowed"),
        ("a: 1\na: 2", "line 2: 'a: 2'", 'while constructing a mapping found duplicate key "a" with value "2"'),
        ("a: [1\n\n", "line 1: 'a: [1'", "while parsing a flow sequence expected"),
        ("a: 1\r\nb: @\r\n", "line 2: 'b: @'", "while scanning for the next token found character '@' that"),
        ("a: 1\n---\nb: 1", "line 2: '---'", "expected a single document in the stream but found another document"),
        ("a: 1\n? - b: 1\n", "line 2: '? - b: 1'", "lists and mappings as keys are not allowed"),
        ("<<: 5", "line 1: '<<: 5'", "while constructing a mapping expected a mapping or list of mappings for merging"),
        ("a: 1\nb:\n# comment\n- 1\n\n- @\n", "line 6: b: '- @'", "while scanning for the next token found"),
    ],
    ids=name,
)
def test_names_line_and_key(path: Path, text: str, where: str, problem: str) -> None:
    path.write_bytes(text.encode())
    with pytest.raises(StageError) as error:
        read_yaml_mapping(path)
    assert str(error.value).startswith(f"file.yaml, {where} cannot be parsed: {problem}")
    assert len(str(error.value)) <= 290


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\n".ljust(MAX_BYTES + 1, b"#"), f"has {MAX_BYTES + 1} bytes, must have at most {MAX_BYTES}"),
        ("a: 0.1".encode("utf-16"), "not UTF-8 text"),
        (b"", "must be a mapping of keys to values, is None"),
        (b"- a\n", "must be a mapping of keys to values, is ['a']"),
    ],
    ids=name,
)
def test_rejects_content(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(StageError) as error:
        read_yaml_mapping(path)
    assert str(error.value) == f"file.yaml: {message}"


def test_rejects_what_is_no_regular_file(path: Path) -> None:
    with pytest.raises(StageError, match=r"^file.yaml: no such file; run from the folder that contains it$"):
        read_yaml_mapping(path)
    os.mkfifo(path)
    for other in (path, Path("/dev/zero"), Path()):
        with pytest.raises(StageError, match=r": not a regular file$"):
            read_yaml_mapping(other)


FRAGMENTS = [
    *("lr: 1\n", "a", "1", "? ", ": ", ":", ", ", "[", "]", "{", "}", "- ", "\n", "\n  ", " ", "\t", "\r\n", "'", '"'),
    *("\\", "|\n", ">-\n", "# c", "---\n", "...\n", "&a ", "*a", "!!int ", "!x ", "<<: ", "%YAML 1.1\n", "%TAG ! x\n"),
    *("0b_", "._", ".nan", "-.inf", DIGITS, "0x" + "f" * 5000, "2024-13-45", "0001-01-01 00:00:00 +99:99"),
    *("\0", "\x07", "\x85", "\u2028", "\ufeff", "\U0001f600", '"\\ud800"', "~", "null", "="),
]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fragments=st.lists(st.sampled_from(FRAGMENTS), max_size=12))
def test_reads_or_rejects_any_text(path: Path, fragments: list[str]) -> None:
    path.write_bytes("".join(fragments).encode())
    try:
        assert isinstance(read_yaml_mapping(path), dict)
    except StageError as error:
        assert str(error).isprintable()  # noqa: PT017 - not every example raises
        assert len(str(error)) <= 290  # noqa: PT017
