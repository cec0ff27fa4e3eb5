"""Values of a parameter: a list or range of search.yaml, compared with params.yaml, and as text."""

import difflib
import json
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from dvc_search.metric import find
from dvc_search.space import encode

RANGE_KEYS = ("low", "high", "log", "step")


def check_parameter(key: str, values: Sequence[object], parameters: Mapping[str, Any]) -> None:
    """Compare a key and its values with params.yaml.

    Raises:
        ValueError: params.yaml lacks the key, or has a value of another type.
    """
    try:
        present = find(parameters, key)
    except KeyError:
        similar = difflib.get_close_matches(key, map(str, parameters), n=1)
        hint = f"did you mean {similar[0]}?" if similar else f"allowed keys are {', '.join(map(str, parameters))}"
        raise ValueError(f"not a key of params.yaml; {hint}") from None
    for value in values:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value!r} is not finite")
        if None not in (value, present) and _get_kind(value) != _get_kind(present):
            raise ValueError(f"{value!r} is {_get_kind(value)}, but params.yaml has {_get_kind(present)}: {present!r}")


def format_parameters(parameters: Mapping[str, object]) -> str:
    """Format parameters in one line."""
    return " ".join(f"{key}={format_value(value)}" for key, value in parameters.items())


def format_value(value: object) -> str:
    """Format a value of params.yaml; floats have six digits."""
    return f"{value:.6g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)


def _get_kind(value: object) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "a mapping"}
    return kinds.get(type(value), f"a {type(value).__name__}")


def check_choices(content: Sequence[object]) -> None:
    """Check a list of values.

    Raises:
        ValueError: it is empty, or has one twice, or one that is neither a scalar nor a list of scalars.
    """
    if not content:
        raise ValueError("an empty list")
    for value in content:
        scalars = value if isinstance(value, list) else [value]
        if any(not isinstance(scalar, bool | int | float | str | None) for scalar in scalars):
            raise ValueError(f"{value!r} is not allowed in a list; it must have scalars, or lists of scalars")
    encoded = [encode(value) for value in content]
    repeated = [value for number, value in enumerate(content) if encoded[number] in encoded[:number]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is listed twice")


def parse_range(key: str, content: dict[Any, Any]) -> BaseDistribution:
    """Return the distribution of a range.

    Raises:
        ValueError: it is not one.
    """
    unknown = [str(name) for name in content if name not in RANGE_KEYS]
    if unknown:
        allowed = f"allowed keys are {', '.join(RANGE_KEYS)}"
        raise ValueError(f"{unknown[0]}: unknown key; {allowed}; a key within {key} is {key}.{unknown[0]}")
    missing = [end for end in ("low", "high") if end not in content]
    if missing:
        raise ValueError(f"{missing[0]}: missing")
    for name in ("low", "high", "step"):
        if name in content and not _is_number(content[name]):
            raise ValueError(f"{name}: {content[name]!r} is not allowed; it must be a finite number")
    if not isinstance(content.get("log", False), bool):
        raise ValueError(f"log: {content['log']!r} is not allowed; it must be true or false")  # noqa: TRY004
    is_integer = isinstance(content["low"], int) and isinstance(content["high"], int)
    if is_integer and not isinstance(content.get("step", 1), int):
        raise ValueError(f"step {content['step']} must be an integer, as low and high are")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # high is not a multiple of the step: it is lowered
        distribution = IntDistribution(**content) if is_integer else FloatDistribution(**content)
    if distribution.single():
        raise ValueError("a range of one value")
    return distribution


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
