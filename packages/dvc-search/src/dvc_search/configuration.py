"""Read search.yaml strictly."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from dvc_search.allowed import DEFAULTS, find_errors, parse_duration
from dvc_search.errors import SearchError
from dvc_search.metric import find
from dvc_search.parameters import parse_space
from dvc_search.sampling import make_pruner, make_sampler, rehearse
from dvc_search.space import Choice, Space, find_point
from dvc_search.task import Direction, Metric


@dataclass(frozen=True)
class Configuration:
    """The content of search.yaml.

    Attributes:
        name: name of the search; its experiments are NAME-0, NAME-1 and so on.
        metric: what is optimized.
        direction: maximize or minimize.
        sampler: tpe, random, grid, or a class of Optuna, with arguments if it is a mapping.
        pruner: none, median, asha, or a class of Optuna, with arguments if it is a mapping.
        trials: number of trials.
        seed: seed of the sampler.
        validate: a command that fails if params.yaml has a value that is not allowed; empty if there is none.
        space: parameters whose values differ from params.yaml.
        baseline: what Optuna would choose for the values of params.yaml: the first trial; or None.
        timeout: seconds after which no trial is started, or None.
        threads: threads that a trial may use, or None.
        note: why there is no baseline, or empty.
        path: the file, as errors name it.
    """

    name: str
    metric: Metric
    direction: Direction
    sampler: object
    pruner: object
    trials: int
    seed: int
    validate: str
    space: Space
    baseline: Mapping[str, Choice] | None
    timeout: float | None = None
    threads: int | None = None
    note: str = ""
    path: Path = Path("search.yaml")

    @property
    def fixed(self) -> dict[str, object]:
        """The values that are the same in all trials, by key."""
        return {
            parameter.key: parameter.values[0]
            for parameter in self.space
            if parameter.distribution is None and not parameter.when
        }

    def describe(self) -> str:
        """Describe what must stay the same while a search goes on, so that all values can be compared."""
        return repr((self.metric, self.direction, sorted(self.space, key=lambda parameter: parameter.name)))


def read_configuration(
    path: Path,
    parameters: Mapping[str, Any],
    settings: Mapping[str, object] = MappingProxyType({}),
    overrides: Mapping[str, object] = MappingProxyType({}),
) -> Configuration:
    """Read search.yaml.

    Args:
        path: the file.
        parameters: content of params.yaml.
        settings: values instead of those in the file, by key; None is none.
        overrides: values of `space` instead of those in the file, by key.

    Raises:
        SearchError: one line for each value that is missing or not allowed.
    """
    content = DEFAULTS | read_yaml(path) | {key: value for key, value in settings.items() if value is not None}
    if overrides and isinstance(content.setdefault("space", {}), dict):
        content["space"] |= overrides
    errors = list(find_errors(content))
    found: dict[str, str] = {}
    space = parse_space(content["space"], parameters, found) if isinstance(content.get("space"), dict) else []
    if space and not found and all(parameter.distribution is None for parameter in space):
        errors.append("space: no parameter varies; it must have a list or a range")
    errors += [f"space: {key}: {error}" for key, error in found.items() if key not in overrides]
    for key, make in (("sampler", lambda value: make_sampler(value, 0)), ("pruner", make_pruner)):
        try:
            make(content[key])
        except ValueError as error:
            errors.append(f"{key}: {error}")
    if not errors and not found:
        try:
            rehearse(content["sampler"], content["pruner"], [content["direction"]], space)
        except ValueError as error:
            errors.append(f"sampler or pruner: {error}")
    lines = [f"{path}: {error}" for error in errors]
    lines += [f"-S {key}: {error}" for key, error in found.items() if key in overrides]
    if lines:
        raise SearchError("\n".join(lines))
    (file, key), *_ = content.pop("metric").items()
    baseline, note = _find_baseline(space, parameters) if content["baseline"] else (None, "")
    content["timeout"] = content["timeout"] and parse_duration(content["timeout"])
    return Configuration(
        **content | {"metric": Metric(file, key), "space": space, "baseline": baseline, "note": note, "path": path}
    )


def _find_baseline(space: Space, parameters: Mapping[str, Any]) -> tuple[dict[str, Choice] | None, str]:
    try:
        return find_point(space, {parameter.key: find(parameters, parameter.key) for parameter in space}), ""
    except ValueError as error:
        return None, f"the values of params.yaml are not the first trial: {error} is not in the space"


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
