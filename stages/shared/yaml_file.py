"""YAML files, read as DVC reads them, but strictly: small, and without what makes a small file large in memory."""

import stat
from datetime import date
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent, DocumentStartEvent, NodeEvent
from ruamel.yaml.nodes import Node, ScalarNode
from ruamel.yaml.reader import ReaderError

from stages.shared.errors import StageError, shorten, to_line

MAX_BYTES = 100_000
MAX_DEPTH = 20


class _Constructor(SafeConstructor):
    """Keeps as text what is a date, or looks like a number or a date and is none, such as 0x_ or 2024-13-45."""

    def construct_non_recursive_object(self, node: Node, tag: str | None = None) -> Any:
        try:
            value = super().construct_non_recursive_object(node, tag)
            repr(value)  # fails for an integer of more than 4300 digits
        except (ValueError, OverflowError):
            return node.value
        return node.value if isinstance(value, date) else value

    def check_mapping_key(self, node: Node, key_node: Node, *others: Any) -> Any:
        if not isinstance(key_node, ScalarNode):
            raise MarkedYAMLError(
                problem="lists and mappings as keys are not allowed", problem_mark=key_node.start_mark
            )
        return super().check_mapping_key(node, key_node, *others)


def read_yaml_mapping(path: Path) -> dict[Any, Any]:
    """Read a YAML 1.2 file whose top level is a mapping, with the library that DVC uses: 1e-05 is a number.

    Raises:
        StageError: the file is missing, not regular, too large, not UTF-8, or not a mapping; or a line is not valid
            YAML (duplicate keys included), or has an anchor, an alias, a tag or a directive.
    """
    text = _read_text(path)
    try:
        _check_events(text)
        yaml = YAML(typ="safe", pure=True)
        yaml.Constructor = _Constructor
        content = yaml.load(text)
    except ReaderError as error:
        raise _locate(path, text, error.position, "control characters are not allowed") from None
    except MarkedYAMLError as error:
        # Where a bracket or a quotation mark is not closed, the line of the opening one.
        is_unclosed = error.context_mark and error.context.startswith(("while parsing a flow", "while scanning"))
        mark = error.context_mark if is_unclosed else error.problem_mark
        raise _locate(path, text, mark.index, " ".join(filter(None, (error.context, error.problem)))) from None
    if not isinstance(content, dict):
        raise StageError(f"{path}: must be a mapping of keys to values, is {shorten(content)}")
    return content


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


def _check_events(text: str) -> None:
    """Raise MarkedYAMLError for what stands for any number of values (aliases), or changes how others are read."""
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        problem = None
        if isinstance(event, DocumentStartEvent) and (event.version or event.tags):
            problem = "directives are not allowed"
        elif isinstance(event, NodeEvent) and (event.anchor or getattr(event, "ctag", None)):
            problem = "anchors, aliases and tags are not allowed"
        elif depth > MAX_DEPTH:
            problem = f"more than {MAX_DEPTH} levels are not allowed"
        if problem:
            raise MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _locate(path: Path, text: str, position: int, problem: str) -> StageError:
    """Describe an error with the line that it is in, and for an item of a list its key."""
    if not text[position:].strip():  # the end of the file: something is missing after the last line
        text = text.rstrip()
    end = text.find("\n", position)
    lines = text[: end if end >= 0 else None].split("\n")
    line = shorten(lines[-1].rstrip())
    if lines[-1].lstrip().startswith("- "):
        others = (other for other in reversed(lines) if other.strip() and not other.lstrip().startswith(("- ", "#")))
        line = f"{to_line(next(others, ''), 60)} {line}"
    return StageError(f"{path}, line {len(lines)}: {line} cannot be parsed: {to_line(problem, 100)}")
