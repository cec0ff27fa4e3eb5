"""A metric in a JSON or YAML file: read once, or followed while a stage writes it."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from dvc_search.task import Metric


def parse(text: str, name: str) -> Any:
    """Parse the content of a file; `name` ends with .json or is that of a YAML file.

    Raises:
        ValueError: it is not valid.
    """
    try:
        return json.loads(text) if name.endswith(".json") else YAML(typ="safe", pure=True).load(StringIO(text))
    except YAMLError as error:
        raise ValueError(f"{name}: not valid YAML") from error


def find(content: Any, key: str) -> Any:
    """Return the value of a key whose dots separate levels.

    Raises:
        KeyError: there is none.
    """
    for part in key.split("."):
        if not isinstance(content, dict):
            raise KeyError(key)
        content = content[part]
    return content


def read_value(text: str, metric: Metric) -> float:
    """Return the metric in the content of its file.

    Raises:
        ValueError: the file is not valid, or has no number under that key.
    """
    return _get_number(parse(text, metric.file), metric)


def _get_number(content: Any, metric: Metric) -> float:
    try:
        value = find(content, metric.key)
    except KeyError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{metric.file}: no number under {metric.key}")  # noqa: TRY004
    return float(value)


def list_numbers(content: Any, prefix: str = "") -> list[str]:
    """List the keys under which there are numbers; dots separate levels."""
    if isinstance(content, dict):
        return [
            key
            for name, value in content.items()
            for key in list_numbers(value, f"{prefix}.{name}" if prefix else str(name))
        ]
    return [prefix] if isinstance(content, int | float) and not isinstance(content, bool) else []


class Follower:
    """Reads the metric of each epoch. The file may be there before: what it contains then is not read."""

    def __init__(self, folder: Path, metric: Metric) -> None:
        """Follow the file of the metric in `folder`."""
        self._path = folder / metric.file
        self._metric = metric
        self._last = self._get_state()
        self._changes = 0

    def poll(self) -> tuple[int, float] | None:
        """Return step and value if the file has changed, and None if not; the step is the file's key of that name."""
        state = self._get_state()
        if state in (None, self._last):
            return None
        try:
            content = parse(self._path.read_text(encoding="utf-8"), self._metric.file)
            value = _get_number(content, self._metric)
            step = int(content.get("step", self._changes))
        except (OSError, ValueError, TypeError, OverflowError):  # it is being written
            return None
        self._last = state
        self._changes += 1
        return step, value

    def _get_state(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size
