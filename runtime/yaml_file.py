"""YAML files, read as DVC reads them, but strictly: small, and without what makes a small file large in memory."""

import re
import stat
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import Event, ScalarEvent
from ruamel.yaml.nodes import Node
from ruamel.yaml.reader import ReaderError

from runtime.errors import StageError

# ruamel.yaml needs a fraction of a second for as many, but 10 seconds for a tag or a list of 1 MB.
MAX_BYTES = 100_000
MAX_NODES = 5_000
MAX_DEPTH = 20


class YamlError(StageError):
    """A line of a YAML file cannot be parsed; `key` is that of the line, if it has one."""

    def __init__(self, text: str, key: str) -> None:
        """Set the text and the key."""
        super().__init__(text)
        self.key = key


class Unparsed(str):
    """A date, or what looks like a number or a date and is none, such as 2024-13-45: shown as it is written."""

    __slots__ = ()
    __repr__ = str.__str__


class _StrictComposer(Composer):
    nodes = 0

    def compose_node(self, parent: Node | None, index: Any) -> Any:
        event = self.parser.peek_event()
        self.nodes += 1
        if event.anchor or event.ctag:  # an alias stands for any number of nodes
            raise _reject(event, "anchors, aliases and tags")
        if index is None and parent and not isinstance(event, ScalarEvent):
            raise _reject(event, "lists and mappings as keys")
        if self.nodes > MAX_NODES:
            raise _reject(event, f"more than {MAX_NODES} keys and values")
        if self.depth == MAX_DEPTH:
            raise _reject(event, f"more than {MAX_DEPTH} levels")
        return super().compose_node(parent, index)


class _StrictConstructor(SafeConstructor):
    def construct_non_recursive_object(self, node: Node, tag: str | None = None) -> Any:
        try:
            value = super().construct_non_recursive_object(node, tag)
            repr(value)  # fails for an integer of more than 4300 digits
        except (ValueError, OverflowError):
            return Unparsed(node.value)
        return Unparsed(node.value) if isinstance(value, date) else value


def read_yaml_mapping(path: Path) -> dict[Any, Any]:
    """Read a YAML 1.2 file whose top level is a mapping, with the parser that DVC uses.

    Raises:
        YamlError: a line is not valid YAML (duplicate keys included), or has an anchor, an alias, a tag or a directive.
        StageError: the file is missing, not regular, too large, not UTF-8, or not a mapping.
    """
    text = _read_text(path)
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer, yaml.Constructor = _StrictComposer, _StrictConstructor
    if directive := re.search("^%", text, re.MULTILINE):
        raise _locate(path, text, directive.start(), "directives are not allowed")
    try:
        content = yaml.load(text)
    except ReaderError as error:
        raise _locate(path, text, error.position, "control characters are not allowed") from None
    except MarkedYAMLError as error:
        problem = " ".join(filter(None, (error.context, error.problem)))
        # Where a bracket or a quotation mark is not closed, the line of the opening one.
        is_unclosed = error.context_mark and error.context.startswith(("while parsing a flow", "while scanning"))
        mark = error.context_mark if is_unclosed else error.problem_mark
        raise _locate(path, text, mark.index, problem) from None
    if not isinstance(content, dict):
        raise StageError(f"{path}: must be a mapping of keys to values, is {shorten(content)}")
    return content


def shorten(value: object) -> str:
    """Format a value in one line of at most 60 characters."""
    return to_line(repr(value), 60)


def to_line(text: str, length: int) -> str:
    """Format text in one line of at most `length` characters, all of them printable."""
    escaped = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[: 10 * length])
    line = " ".join(escaped.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."


def _read_text(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a named pipe or a device may never end
            raise StageError(f"{path}: not a regular file")
        if status.st_size > MAX_BYTES:
            raise StageError(f"{path}: has {status.st_size} bytes, must have at most {MAX_BYTES}")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StageError(f"{path}: no such file; run from the folder that contains it") from None
    except UnicodeDecodeError:
        raise StageError(f"{path}: not UTF-8 text") from None


def _reject(event: Event, what: str) -> ComposerError:
    return ComposerError(problem=f"{what} are not allowed", problem_mark=event.start_mark)


def _locate(path: Path, text: str, position: int, problem: str) -> YamlError:
    """Describe an error with the line that it is in."""
    if not text[position:].strip():  # the end of the file: something is missing after the last line
        text = text.rstrip()
    end = text.find("\n", position)
    lines = text[: end if end >= 0 else None].split("\n")
    what = f"{path}, line {len(lines)}: {shorten(lines[-1].rstrip())} cannot be parsed: {to_line(problem, 100)}"
    # The items of a list in block style follow their key.
    key_line = next(
        (line for line in reversed(lines) if line.strip() and not line.lstrip().startswith(("- ", "#"))), ""
    )
    return YamlError(what, key_line.partition(":")[0].strip())
