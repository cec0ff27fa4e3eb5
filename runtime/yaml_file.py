"""YAML files, read as DVC reads them."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from runtime.errors import StageError


def read_yaml_mapping(path: Path) -> dict[Any, Any]:
    """Read a YAML 1.2 file whose top level is a mapping, with the parser that DVC uses.

    Raises:
        StageError: the file is missing, is not valid YAML (duplicate keys included), or is not a mapping.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StageError(f"{path}: no such file; run from the folder that contains it") from None
    except UnicodeDecodeError:
        raise StageError(f"{path}: not UTF-8 text") from None
    except (YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        raise StageError(f"{path}{line}: not valid YAML: {problem}") from None
    if not isinstance(content, dict):
        raise StageError(f"{path}: must be a mapping of keys to values, is {shorten(content)}")
    return content


def shorten(value: object) -> str:
    """Format a value in one line of at most 60 characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
