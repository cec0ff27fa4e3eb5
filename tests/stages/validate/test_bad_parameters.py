"""What can go wrong in params.yaml: each error is one short line, found at once, before any output is touched."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.validate.parameters import Parameters
from tests.clone import ROOT
from tests.conftest import FailStage, RunStage

pytestmark = pytest.mark.timeout(60)

VALID = Path("data/parameters.valid")
PARAMS = Path("params.yaml")

DIGITS = "9" * 5000
BOMB = "".join(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 9))
MERGE_BOMB = "".join(f"m{level}: &m{level} {{<<: [{', '.join([f'*m{level - 1}'] * 10)}]}}\n" for level in range(1, 9))

# The key and its value as it is written; the message shows it so, and says what is allowed.
SHOWN_AS_WRITTEN = [
    *("seed: 2024-13-45", "seed: 2024-01-05", "seed: 2024-02-31", "epochs: 0000-01-01", "lr: 2024-01-05T10:00:00Z"),
    *("lr: 2024-01-05 25:61:61", "batch_size: 0001-01-01 00:00:00 +99:99", "dataset: 2024-01-05"),
    *("hidden_sizes: 2024-01-05", "hidden_sizes: [2024-01-05]", "hidden_sizes: [8, 2024-13-45]"),
    *(
        "seed: 0b_",
        "seed: 0x_",
        "seed: 0o_",
        "lr: ._",
        "seed: {}",
        "seed: []",
        "seed: [[[[1]]]]",
        "hidden_sizes: [[16]]",
    ),
    *(f"seed: {DIGITS}", f"seed: -{DIGITS}", f"seed: 0x{'f' * 5000}", f"epochs: {DIGITS}", f"hidden_sizes: [{DIGITS}]"),
]

# The same, shown as the line that cannot be parsed: it has no value.
SHOWN_AS_LINE = [
    *("seed: !!bool 5", "seed: !!bool", "seed: !!int abc", "seed: !!int", "lr: !!float x", "lr: !!null x"),
    *("seed: !!str 0", "dataset: !!binary bW5pc3Q=", "seed: !!timestamp x", "seed: !!set {1}"),
    *("hidden_sizes: !!set {128, 64}", "seed: !!omap [a: 1]", "seed: !!pairs [a: 1]", "seed: !custom 5"),
    *("seed: !!python/object/apply:os.system ['true']", f"seed: !{'x' * 90_000}"),
    *("seed: &a 0", "seed: *a", "seed: &a [*a]", "seed: &a {b: *a}", "hidden_sizes: &a [*a]"),
    *(f"seed: {'[' * 300}{']' * 300}", f"seed: {'[' * 90_000}", f"seed: {'{a: ' * 300}1{'}' * 300}"),
    *(f"hidden_sizes: [{'1, ' * 30_000}1]", f"seed: {{{', '.join(map(str, range(15_000)))}}}", "seed: {[a]: 1}"),
    *("lr: a: b", "lr: @1", "lr: %1", "lr: `1`", "lr: [0.01", "lr: {a: 1", 'dataset: "mnist', 'dataset: "\\q"'),
    *("lr: \0", "lr: \x1b[31m"),
]

# What follows the valid lines, how the error shows its line, and the error.
APPENDED_LINES = [
    (f"a0: &a0 [x]\n{BOMB}", "'a0: &a0 [x]'", "anchors, aliases and tags are not allowed"),
    (f"m0: &m0 {{a: 1}}\n{MERGE_BOMB}", "'m0: &m0 {a: 1}'", "anchors, aliases and tags are not allowed"),
    ("<<: 5", "'<<: 5'", "while constructing a mapping expected a mapping or list of mappings for merging"),
    ("lr 0.1", "'lr 0.1'", "while scanning a simple key could not find expected ':'"),
    (
        "\tlr: 0.1",
        r"'\tlr: 0.1'",
        r"while scanning for the next token found character '\t' that cannot start any token",
    ),
    (" lr: 0.1", "' lr: 0.1'", "mapping values are not allowed here; lr must be a number greater than 0, at most 1000"),
    (
        "lr: 0.1",
        "'lr: 0.1'",
        'while constructing a mapping found duplicate key "lr" with value "0.1" (original value: "0',
    ),
    ("---\nlr: 1", "'---'", "expected a single document in the stream but found another document"),
    ("? [a]\n: 1", "'? [a]'", "lists and mappings as keys are not allowed"),
    ("? {a: 1}\n: 1", "'? {a: 1}'", "lists and mappings as keys are not allowed"),
]

# A key of no stage, as it is written and as it is shown.
UNKNOWN_KEYS = [
    (r'"a\nb"', r"a\nb"),
    (r'"a\x1b[31m\u2028\u202e\x85"', r"a\x1b[31m\u2028\u202e\x85"),
    (r'"\ud800"', r"\ud800"),
    (f"? {'k' * 5000}\n", f"{'k' * 57}..."),
    (f"? {DIGITS}\n", f"{'9' * 57}..."),
    ("2024-13-45", "2024-13-45"),
    ("~", "None"),
]

# The whole file.
CONTENTS = [
    (b"dataset: " + b"x" * 10_000_000, ": has 10000009 bytes, must have at most 100000"),
    (b"#" * 10_000_000, ": has 10000000 bytes, must have at most 100000"),
    (b"".join(b"k%05d: 1\n" % number for number in range(20_000)), ": has 200000 bytes, must have at most 100000"),
    (b"%YAML 1.1\n---\nlr: 1e-3\n", ", line 1: '%YAML 1.1' cannot be parsed: directives are not allowed"),
    ("lr: 0.1".encode("utf-16"), ": not UTF-8 text"),
    (b"\x80\x04\x95", ": not UTF-8 text"),
    (b"", ": must be a mapping of keys to values, is None"),
    (b"- lr\n", ": must be a mapping of keys to values, is ['lr']"),
]


@pytest.fixture(autouse=True)
def not_validated(project: Path) -> None:
    """Remove the output of the stage."""
    VALID.unlink()


def write_line(line: str) -> int:
    """Replace the line of a key, hidden_sizes with its items, and return its number."""
    key = line.partition(":")[0]
    lines = PARAMS.read_text().splitlines()
    if key == "hidden_sizes":
        lines = [line for line in lines if not line.startswith("- ")]
    number = next(number for number, other in enumerate(lines) if other.startswith(f"{key}:"))
    lines[number] = line
    PARAMS.write_text("\n".join(lines) + "\n")
    return number + 1


def fail_in_a_line(fail: Callable[[str], str]) -> str:
    message = fail("validate")
    assert not VALID.exists()
    assert len(f"error: {message}") <= 300
    assert message.isprintable()
    assert message.startswith("params.yaml")
    return message.removeprefix("params.yaml")


def cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def name(value: object) -> str:
    return ascii(value)[:40]


@pytest.mark.parametrize("line", SHOWN_AS_WRITTEN, ids=name)
def test_shows_value_as_written(fail_stage: FailStage, line: str) -> None:
    write_line(line)
    key, value = line.split(": ", maxsplit=1)
    allowed = Parameters.model_fields[key].description
    assert fail_in_a_line(fail_stage) == f": {key}: {cut(value)} is not allowed; it must be {allowed}"


@pytest.mark.parametrize("line", SHOWN_AS_LINE, ids=name)
def test_shows_line(fail_stage: FailStage, line: str) -> None:
    number = write_line(line)
    key = line.partition(":")[0]
    message = fail_in_a_line(fail_stage)
    assert message.startswith(f", line {number}: {cut(repr(line))} cannot be parsed: ")
    assert message.endswith(f"; {key} must be {Parameters.model_fields[key].description}")


@pytest.mark.parametrize(("text", "line", "problem"), APPENDED_LINES, ids=name)
def test_names_appended_line(fail_stage: FailStage, text: str, line: str, problem: str) -> None:
    valid = PARAMS.read_text()
    PARAMS.write_text(f"{valid}{text}\n")
    number = valid.count("\n") + 1
    assert fail_in_a_line(fail_stage).startswith(f", line {number}: {line} cannot be parsed: {problem}")


@pytest.mark.parametrize(("written", "shown"), UNKNOWN_KEYS, ids=name)
def test_names_unknown_key(fail_stage: FailStage, written: str, shown: str) -> None:
    PARAMS.write_text(f"{PARAMS.read_text()}{written}: 1\n")
    assert shown in fail_in_a_line(fail_stage).partition(": unknown key; allowed keys are augment, batch_size, ")[0]


@pytest.mark.parametrize(("content", "message"), CONTENTS, ids=name)
def test_rejects_content(fail_stage: FailStage, content: bytes, message: str) -> None:
    PARAMS.write_bytes(content)
    assert fail_in_a_line(fail_stage) == message


def test_prints_at_most_20_lines(run_stage: RunStage, capsys: pytest.CaptureFixture[str]) -> None:
    with PARAMS.open("a") as file:
        file.writelines(f"k{number}: 1\n" for number in range(2000))
    with pytest.raises(SystemExit):
        run_stage("validate")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["error"] * 20
    assert lines[18].startswith("error: params.yaml: k18: unknown key; ")
    assert lines[19] == "error: 1981 more errors"
    assert max(map(len, lines)) <= 300


def make_pipe() -> None:
    PARAMS.unlink()
    os.mkfifo(PARAMS)


def link_to_device() -> None:
    PARAMS.unlink()
    PARAMS.symlink_to("/dev/zero")


def link_to_itself() -> None:
    PARAMS.unlink()
    PARAMS.symlink_to(PARAMS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (make_pipe, "not a regular file"),
        (link_to_device, "not a regular file"),
        (link_to_itself, "Too many levels of symbolic links"),
        (lambda: PARAMS.write_text(f"a0: &a0 [x]\n{BOMB}seed: *a8\n"), "anchors, aliases and tags are not allowed"),
        (lambda: PARAMS.write_text(PARAMS.read_text() + "#" * 10_000_000), "must have at most 100000"),
    ],
    ids=["pipe", "device", "link", "bomb", "comment"],
)
def test_process_ends_at_once(change: Callable[[], object], message: str) -> None:
    change()
    process = subprocess.run(
        [sys.executable, "-m", "stages.validate"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert process.returncode == 1
    assert process.stderr.startswith("error: params.yaml")
    assert message in process.stderr
    assert process.stderr.count("\n") == 1
    assert not VALID.exists()
