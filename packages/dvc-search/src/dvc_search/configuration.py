"""Read search.yaml strictly."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dvc_search.allowed import DEFAULTS, find_errors, list_pairs, parse_duration
from dvc_search.errors import SearchError
from dvc_search.metric import find
from dvc_search.parameters import parse_space
from dvc_search.sampling import find_sampler_errors, rehearse
from dvc_search.space import Choice, Space, find_point
from dvc_search.task import Direction, Metric
from dvc_search.values import check_choices, check_parameter
from dvc_search.yaml_file import read_yaml


@dataclass(frozen=True)
class Configuration:
    """The content of search.yaml.

    Attributes:
        name: name of the search; its experiments are NAME-0, NAME-1 and so on.
        metrics: what is optimized.
        directions: maximize or minimize each metric.
        sampler: tpe, random, grid, or a class of Optuna, with arguments if it is a mapping.
        pruner: none, median, asha, or a class of Optuna, with arguments if it is a mapping.
        trials: number of trials.
        seed: seed of the sampler.
        validate: a command that fails if params.yaml has a value that is not allowed; empty if there is none.
        space: parameters whose values differ from params.yaml.
        baseline: what Optuna would choose for the values of params.yaml: the first trial; or None.
        repeat: values of a parameter, by key: a trial is run with each, and has the mean of the metrics.
        timeout: seconds after which no trial is started, or None.
        threads: threads that a trial may use, or None.
        note: why there is no baseline, or empty.
        path: the file, as errors name it.
    """

    name: str
    metrics: tuple[Metric, ...]
    directions: tuple[Direction, ...]
    sampler: object
    pruner: object
    trials: int
    seed: int
    validate: str
    space: Space
    baseline: Mapping[str, Choice] | None
    repeat: Mapping[str, Sequence[object]] = field(default_factory=dict)
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

    def describe(self) -> dict[str, str]:
        """Describe, by key, what must stay the same while a search goes on, so that all values can be compared."""
        keys = {"metric": self.metrics, "direction": self.directions, "repeat": self.repeat}
        return {key: repr(value) for key, value in keys.items()} | {
            f"space: {parameter.name}": repr(parameter) for parameter in self.space
        }


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
    space: Space = []
    if isinstance(content.get("space"), dict):
        space = parse_space(content["space"], parameters, found)
        if not found and all(parameter.distribution is None for parameter in space):
            errors.append("space: no parameter varies; it must have a list or a range")
    errors += [f"space: {key}: {error}" for key, error in found.items() if key not in overrides]
    errors += find_sampler_errors(content["sampler"], content["pruner"])
    if not errors and not found:
        errors += _find_conflicts(content, space, parameters)
    lines = [f"{path}: {error}" for error in errors]
    lines += [f"-S {key}: {error}" for key, error in found.items() if key in overrides]
    if lines:
        raise SearchError("\n".join(lines))
    metrics = tuple(Metric(file, key) for file, key in list_pairs(content.pop("metric")))
    directions = _list_directions(content.pop("direction"))
    baseline, note = _find_baseline(space, parameters) if content["baseline"] else (None, "")
    timeout = content["timeout"] and parse_duration(content["timeout"])
    changes = {"timeout": timeout, "repeat": content["repeat"] or {}, "space": space, "baseline": baseline}
    return Configuration(**content | changes, metrics=metrics, directions=directions, note=note, path=path)


def _find_conflicts(content: Mapping[str, Any], space: Space, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for values that are allowed, but not together."""
    directions, metrics = _list_directions(content["direction"]), list_pairs(content["metric"])
    if len(directions) != len(metrics):
        yield f"direction: {len(directions)} for {len(metrics)} metrics; it must be a list with one for each metric"
    elif len(set(metrics)) < len(metrics):
        yield f"metric: {content['metric']!r} has one twice"
    else:
        try:
            rehearse(content["sampler"], content["pruner"], directions, space)
        except ValueError as error:
            yield str(error)
    for key, values in (content["repeat"] or {}).items():
        try:
            check_choices(values)
            check_parameter(str(key), values, parameters)
        except ValueError as error:
            yield f"repeat: {key}: {error}"
        if key in {parameter.key for parameter in space}:
            yield f"repeat: {key}: also in the space"


def _list_directions(content: Any) -> tuple[Direction, ...]:
    return tuple(content) if isinstance(content, list) else (content,)


def _find_baseline(space: Space, parameters: Mapping[str, Any]) -> tuple[dict[str, Choice] | None, str]:
    try:
        return find_point(space, {parameter.key: find(parameters, parameter.key) for parameter in space}), ""
    except ValueError as error:
        return None, f"the values of params.yaml are not the first trial: {error} is not in the space"
