"""Values of parameters: parsed from search.yaml, compared with params.yaml, and as text."""

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from dvc_search.metric import find
from dvc_search.space import Choices, Dimension, Range, encode

RANGE_KEYS = ("low", "high", "log", "step")


def parse_dimension(content: object) -> Dimension | None:
    """Return the dimension that a list or a mapping stands for, or None for a scalar, which is a fixed value.

    Raises:
        ValueError: the content is not allowed; the text says what is.
    """
    if isinstance(content, list):
        return _parse_choices(content)
    if isinstance(content, dict):
        return _parse_range(content)
    return None


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


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _parse_choices(content: list[object]) -> Choices:
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
    return Choices(tuple(content))


def _parse_range(content: dict[Any, Any]) -> Range:
    unknown = [str(key) for key in content if key not in RANGE_KEYS]
    if unknown:
        raise ValueError(f"{unknown[0]}: unknown key; allowed keys are {', '.join(RANGE_KEYS)}")
    missing = [key for key in ("low", "high") if key not in content]
    if missing:
        raise ValueError(f"{missing[0]}: missing")
    for key in ("low", "high", "step"):
        if key in content and not _is_number(content[key]):
            raise ValueError(f"{key}: {content[key]!r} is not allowed; it must be a finite number")
    if not isinstance(content.get("log", False), bool):
        raise ValueError(f"log: {content['log']!r} is not allowed; it must be true or false")  # noqa: TRY004
    values = Range(**content)
    _check_range(values)
    return values


def _check_range(values: Range) -> None:
    if values.low >= values.high:
        raise ValueError(f"low {values.low} must be less than high {values.high}")
    if values.log and values.low <= 0:
        raise ValueError(f"low {values.low} must be more than 0 with log")
    if values.step is None:
        return
    if values.log:
        raise ValueError("log and step exclude each other")
    if not 0 < values.step <= values.high - values.low:
        raise ValueError(f"step {values.step} must be more than 0, and at most {values.high - values.low}")
    if values.is_integer and not isinstance(values.step, int):
        raise ValueError(f"step {values.step} must be an integer, as low and high are")
