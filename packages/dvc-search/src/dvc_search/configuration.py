"""Read search.yaml strictly."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from dvc_search.errors import SearchError
from dvc_search.parameters import check_parameter, parse_dimension
from dvc_search.space import Dimension, Range
from dvc_search.task import Metric

SAMPLERS = ("tpe", "random", "grid")
PRUNERS = ("none", "median", "asha")
DIRECTIONS = ("maximize", "minimize")
NAME = "[A-Za-z0-9][A-Za-z0-9_-]*"
DEFAULTS = {"sampler": "tpe", "pruner": "none", "seed": 0, "validate": ""}
REQUIRED = ("name", "metric", "direction", "trials", "space")


@dataclass(frozen=True)
class Configuration:
    """The content of search.yaml.

    Attributes:
        name: name of the search; its experiments are NAME-0, NAME-1 and so on.
        metric: what is optimized.
        direction: maximize or minimize.
        sampler: tpe, random or grid.
        pruner: none, median or asha.
        trials: number of trials.
        seed: seed of the sampler.
        validate: a command that fails if params.yaml has a value that is not allowed; empty if there is none.
        space: parameters that vary, by key of params.yaml.
        fixed: other values that differ from params.yaml, by key.
        path: the file, as errors name it.
    """

    name: str
    metric: Metric
    direction: Literal["maximize", "minimize"]
    sampler: str
    pruner: str
    trials: int
    seed: int
    validate: str
    space: Mapping[str, Dimension]
    fixed: Mapping[str, object]
    path: Path = Path("search.yaml")

    def describe(self) -> str:
        """Describe what must stay the same while a search goes on, so that all values can be compared."""
        return repr((self.metric, self.direction, sorted(self.space.items()), sorted(self.fixed.items())))


def read_configuration(path: Path, parameters: Mapping[str, Any]) -> Configuration:
    """Read search.yaml.

    Args:
        path: the file.
        parameters: content of params.yaml.

    Raises:
        SearchError: one line for each value that is missing or not allowed.
    """
    content = DEFAULTS | read_yaml(path)
    errors = [
        _describe_unknown(str(key), (*REQUIRED, *DEFAULTS)) for key in content if key not in {*REQUIRED, *DEFAULTS}
    ]
    errors += [f"{key}: missing" for key in REQUIRED if key not in content]
    for key, (is_allowed, allowed) in ALLOWED.items():
        if key in content and not is_allowed(content[key]):
            errors.append(f"{key}: {content[key]!r} is not allowed; it must be {allowed}")
    space, fixed = _read_space(content.get("space"), parameters, errors)
    if content["sampler"] == "grid":
        ranges = {key: value for key, value in space.items() if isinstance(value, Range)}
        errors += [
            f"space: {key}: a grid needs a list or a step" for key in ranges if ranges[key].list_points() is None
        ]
    if errors:
        raise SearchError("\n".join(f"{path}: {error}" for error in errors))
    (file, key), *_ = content.pop("metric").items()
    return Configuration(**content | {"metric": Metric(file, key), "space": space, "fixed": fixed, "path": path})


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


def _read_space(
    content: object, parameters: Mapping[str, Any], errors: list[str]
) -> tuple[dict[str, Dimension], dict[str, object]]:
    space: dict[str, Dimension] = {}
    fixed: dict[str, object] = {}
    for key, value in content.items() if isinstance(content, dict) else ():
        try:
            dimension = parse_dimension(value)
            check_parameter(str(key), [value] if dimension is None else dimension.list_extremes(), parameters)
        except ValueError as error:
            errors.append(f"space: {key}: {error}")
            continue
        if dimension is None:
            fixed[key] = value
        else:
            space[key] = dimension
    if isinstance(content, dict) and not space and not errors:
        errors.append("space: no parameter varies; it must have a list or a range")
    return space, fixed


def _describe_unknown(key: str, allowed: tuple[str, ...]) -> str:
    similar = difflib.get_close_matches(key, allowed, n=1)
    return (
        f"{key}: unknown key; {f'did you mean {similar[0]}?' if similar else 'allowed keys are ' + ', '.join(allowed)}"
    )


def _is_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(NAME, value) is not None


def _is_metric(value: object) -> bool:
    items = list(value.items()) if isinstance(value, dict) else []
    return len(items) == 1 and all(isinstance(part, str) and part for part in items[0])


def _is_integer(value: object, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= minimum


ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_name, "letters, digits, - and _"),
    "metric": (_is_metric, "one file and its key, such as metrics/train/metrics.json: validation.accuracy"),
    "direction": (lambda value: value in DIRECTIONS, " or ".join(DIRECTIONS)),
    "sampler": (lambda value: value in SAMPLERS, ", ".join(SAMPLERS)),
    "pruner": (lambda value: value in PRUNERS, ", ".join(PRUNERS)),
    "trials": (lambda value: _is_integer(value, 1), "an integer of 1 or more"),
    "seed": (lambda value: _is_integer(value, 0), "an integer of 0 or more"),
    "validate": (lambda value: isinstance(value, str), "a command"),
    "space": (lambda value: isinstance(value, dict), "a mapping of keys of params.yaml to lists, ranges and values"),
}
