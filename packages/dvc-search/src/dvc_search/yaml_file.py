"""Read a YAML file as DVC does: YAML 1.2, where 1e-05 is a number."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from dvc_search.errors import SearchError


def read_yaml(path: Path) -> dict[Any, Any]:
    """Read a YAML file whose top level is a mapping.

    Raises:
        SearchError: it cannot be read.
    """
    try:
        content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SearchError(f"{path}: no such file; run from the folder that contains it") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark else ""
        raise SearchError(f"{path}{line}: {' '.join(str(error.problem or error.context).split())}") from None
    except (YAMLError, UnicodeDecodeError, OSError) as error:
        raise SearchError(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise SearchError(f"{path}: must be a mapping of keys to values")
    return content
