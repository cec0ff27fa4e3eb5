"""Values of parameters, by the rules of DVC."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dvc_guard.errors import GuardError
from dvc_guard.run.files import Stat, read_stat
from dvc_guard.run.pipeline import shown
from dvc_guard.yaml_file import read_yaml_mapping

PYTHON = ".py"


def is_parsed(file: str, keys: Iterable[str]) -> bool:
    """Return whether values of a file are compared; Python code, and a file without keys, are compared as a whole."""
    return bool(keys) and not file.endswith(PYTHON)


class ParameterFiles:
    """Files of parameters, each of which is parsed again only if it has changed."""

    def __init__(self) -> None:
        """Begin with no file."""
        self.contents: dict[Path, tuple[Stat, dict[str, Any]]] = {}

    def read(self, path: Path, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of keys; None for a key that is missing.

        Raises:
            GuardError: the file cannot be parsed.
        """
        stat = read_stat(str(path))
        if path not in self.contents or self.contents[path][0] != stat:
            self.contents[path] = stat, _parse(path)
        return {key: _find(self.contents[path][1], key) for key in keys}


def _parse(path: Path) -> dict[str, Any]:
    suffix = path.suffix.lower()
    if suffix not in {".json", ".toml"}:
        return read_yaml_mapping(shown(path))
    if suffix == ".toml":
        from tomllib import loads
    else:
        from json import loads
    try:
        content: dict[str, Any] = loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise GuardError(f"{shown(path)}: cannot be parsed: {error}") from None
    return content


def _find(content: Any, key: str) -> Any:
    """Return the value of a key such as model.layers.0, or None."""
    if isinstance(content, dict) and key in content:
        return content[key]
    name, _, rest = key.partition(".")
    if isinstance(content, list) and name.isdecimal() and int(name) < len(content):
        value = content[int(name)]
    elif isinstance(content, dict) and name in content and rest:
        value = content[name]
    else:
        return None
    return _find(value, rest) if rest else value
