"""Parse the space of search.yaml."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution

from dvc_search.space import Choice, Parameter, encode
from dvc_search.values import check_choices, check_parameter, format_value, parse_range


def parse_space(content: Mapping[Any, Any], parameters: Mapping[str, Any], errors: dict[str, str]) -> list[Parameter]:
    """Return the parameters of a space, those with a single value first.

    Args:
        content: a list, a range, a mapping of choices to spaces, or a value, by key of params.yaml.
        parameters: content of params.yaml.
        errors: receives a line for each value that is not allowed, by key; a key within a choice is `KEY: CHOICE: KEY`.
    """
    found = _parse_branch(content, parameters, errors, {}, "")
    for first, second in combinations(found, 2):
        if first.key == second.key and all(
            second.when.get(key, choice) == choice for key, choice in first.when.items()
        ):
            errors[first.key] = "twice in the space, for the same trials"
    repeated = {first.key for first, second in combinations(found, 2) if first.key == second.key}
    return [_rename(parameter) if parameter.key in repeated else parameter for parameter in found]


def _parse_branch(
    content: Mapping[Any, Any],
    parameters: Mapping[str, Any],
    errors: dict[str, str],
    when: Mapping[str, Choice],
    place: str,
) -> list[Parameter]:
    found: list[Parameter] = []
    for key, value in content.items():
        branches = value if _has_branches(value) else {}
        try:
            parameter = _parse_parameter(str(key), list(branches) or value, when)
            check_parameter(parameter.key, parameter.values, parameters)
        except ValueError as error:
            errors[f"{place}{key}"] = str(error)
            continue
        found.append(parameter)
        for choice, inner in branches.items():
            within = {**when, parameter.key: choice}
            found += _parse_branch(inner or {}, parameters, errors, within, f"{place}{key}: {choice}: ")
    return sorted(found, key=lambda parameter: parameter.distribution is not None or parameter.when != when)


def _has_branches(value: object) -> bool:
    """Return whether a value is a mapping of choices to the parameters that exist with them, unlike that of a range."""
    return isinstance(value, dict) and bool(value) and all(isinstance(part, dict | None) for part in value.values())


def _parse_parameter(key: str, content: object, when: Mapping[str, Choice]) -> Parameter:
    distribution: BaseDistribution | None = None
    values: Sequence[object] = [content]
    if isinstance(content, list):
        check_choices(content)
        values = content
        distribution = CategoricalDistribution([encode(value) for value in content]) if len(content) > 1 else None
    elif isinstance(content, dict):
        distribution, values = parse_range(key, content), [content["low"], content["high"]]
    return Parameter(key, distribution, values, when, key)


def _rename(parameter: Parameter) -> Parameter:
    """Give a parameter of several branches a name of its own: Optuna's cannot have other choices in another trial."""
    branch = ", ".join(f"{key}={format_value(choice)}" for key, choice in parameter.when.items())
    return replace(parameter, name=f"{parameter.key} ({branch})")
