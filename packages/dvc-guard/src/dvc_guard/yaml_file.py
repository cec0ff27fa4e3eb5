"""YAML files, parsed as DVC does, within limits: what is small in the file is not large in memory."""

import stat
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

from dvc_guard.errors import GuardError, shorten, to_line

MAX_BYTES = 10_000_000
MAX_NODES = 1_000_000  # an alias counts as all that it stands for
MAX_DEPTH = 50


def read_yaml_mapping(path: Path) -> dict[Any, Any]:
    """Read a YAML 1.2 file whose top level is a mapping.

    Raises:
        FileNotFoundError: the file is missing.
        GuardError: the file is not regular, too large, not UTF-8, not valid YAML, or not a mapping.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # reading a named pipe or a device may never end
        raise GuardError(f"{path}: not a regular file")
    if status.st_size > MAX_BYTES:
        raise GuardError(f"{path}: has {status.st_size} bytes, must have at most {MAX_BYTES}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise GuardError(f"{path}: not UTF-8 text") from None
    return parse_yaml_mapping(text, path)


def parse_yaml_mapping(text: str, path: Path) -> dict[Any, Any]:
    """Parse the text of a YAML 1.2 file whose top level is a mapping; `path` is for the error.

    Raises:
        GuardError: the text is too large, not valid YAML (duplicate keys included), or not a mapping.
    """
    if len(text) > MAX_BYTES:
        raise GuardError(f"{path}: has {len(text)} characters, must have at most {MAX_BYTES}")
    yaml = YAML(typ="safe")
    try:
        problem = _find_excess(yaml, text)
        content = None if problem else yaml.load(text)
    except MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise GuardError(f"{path}{line}: cannot be parsed: {to_line(problem, 100)}") from None
    except (YAMLError, ValueError, OverflowError) as error:  # ValueError: of a date such as 2024-13-45
        raise GuardError(f"{path}: cannot be parsed: {to_line(str(error), 100)}") from None
    if problem:
        raise GuardError(f"{path}: {problem}")
    if not isinstance(content, dict):
        raise GuardError(f"{path}: must be a mapping of keys to values, is {shorten(content)}")
    return content


def _find_excess(yaml: YAML, text: str) -> str:
    """Return which limit a text exceeds, or "": counted while it is scanned, before anything is made of it."""
    nodes = 0
    sizes: dict[str, int] = {}  # of what each anchor stands for
    open_collections: list[tuple[str | None, int]] = []  # their anchors, and `nodes` where they start
    for event in yaml.parse(text):
        if isinstance(event, CollectionEndEvent):
            anchor, start = open_collections.pop()
            if anchor:
                sizes[anchor] = nodes - start
        elif isinstance(event, AliasEvent):
            nodes += sizes.get(event.anchor, MAX_NODES + 1)  # it may stand for what contains it
        elif isinstance(event, CollectionStartEvent):
            open_collections.append((event.anchor, nodes))
            nodes += 1
        elif isinstance(event, NodeEvent):
            nodes += 1
            if event.anchor:
                sizes[event.anchor] = 1
        if nodes > MAX_NODES:
            return f"must have at most {MAX_NODES} keys and values"
        if len(open_collections) > MAX_DEPTH:
            return f"must have at most {MAX_DEPTH} levels"
    return ""
