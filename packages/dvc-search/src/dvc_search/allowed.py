"""Keys of search.yaml, their defaults, and the values that are allowed."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

DIRECTIONS = ("maximize", "minimize")
NAME = "[A-Za-z0-9][A-Za-z0-9_-]*"
DURATION = "(?:([0-9.]+)d)? *(?:([0-9.]+)h)? *(?:([0-9.]+)m)? *(?:([0-9.]+)s?)?"
UNITS = (86400, 3600, 60, 1)  # seconds
DEFAULTS = {
    "sampler": "tpe",
    "pruner": "none",
    "seed": 0,
    "validate": "",
    "baseline": True,
    "timeout": None,
    "threads": None,
    "repeat": None,
}
REQUIRED = ("name", "metric", "direction", "trials", "space")


def find_errors(content: Mapping[Any, Any]) -> Iterator[str]:
    """Yield a line for each key that is unknown or missing, and each value that is not allowed."""
    for key in content:
        if key not in {*REQUIRED, *DEFAULTS}:
            yield _describe_unknown(str(key), (*REQUIRED, *DEFAULTS))
    yield from (f"{key}: missing" for key in REQUIRED if key not in content)
    for key, (is_allowed, allowed) in ALLOWED.items():
        if key in content and not is_allowed(content[key]):
            yield f"{key}: {content[key]!r} is not allowed; it must be {allowed}"


def parse_duration(value: object) -> float:
    """Return the seconds of a time such as 1h30m; a number alone is one of seconds.

    Raises:
        ValueError: it is not allowed.
    """
    match = re.fullmatch(DURATION, str(value))
    seconds = sum(float(number or 0) * unit for number, unit in zip(match.groups(), UNITS, strict=True)) if match else 0
    if not seconds:
        raise ValueError(f"{value!r} is not allowed; it must be a time such as 2h, 1h30m or 90s")
    return seconds


def _describe_unknown(key: str, allowed: tuple[str, ...]) -> str:
    similar = difflib.get_close_matches(key, allowed, n=1)
    return (
        f"{key}: unknown key; {f'did you mean {similar[0]}?' if similar else 'allowed keys are ' + ', '.join(allowed)}"
    )


def _is_name(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(NAME, value) is not None


def _is_metric(value: object) -> bool:
    pairs = list_pairs(value) if isinstance(value, dict) else []
    return bool(pairs) and all(isinstance(part, str) and part for pair in pairs for part in pair)


def list_pairs(content: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    """List keys and values of a mapping whose values may be lists."""
    return [(key, each) for key, value in content.items() for each in (value if isinstance(value, list) else [value])]


def _is_direction(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(each in DIRECTIONS for each in values)


def _is_repeat(value: object) -> bool:
    lists = list(value.values()) if isinstance(value, dict) else []
    return value is None or (len(lists) == 1 and isinstance(lists[0], list) and len(lists[0]) > 1)


def _is_integer(value: object, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= minimum


def _is_duration(value: object) -> bool:
    try:
        return value is None or parse_duration(value) > 0
    except ValueError:
        return False


ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_name, "letters, digits, - and _"),
    "metric": (_is_metric, "a file and its key, such as metrics/train/metrics.json: validation.accuracy"),
    "direction": (_is_direction, "maximize or minimize, or a list of them, one for each metric"),
    "trials": (lambda value: _is_integer(value, 1), "an integer of 1 or more"),
    "seed": (lambda value: _is_integer(value, 0), "an integer of 0 or more"),
    "validate": (lambda value: isinstance(value, str), "a command"),
    "timeout": (_is_duration, "a time such as 2h, 1h30m or 90s"),
    "threads": (lambda value: value is None or _is_integer(value, 1), "an integer of 1 or more"),
    "repeat": (_is_repeat, "one key of params.yaml with a list of values, such as seed: [0, 1, 2]"),
    "baseline": (lambda value: isinstance(value, bool), "true or false"),
    "space": (lambda value: isinstance(value, dict), "a mapping of keys of params.yaml to lists, ranges and values"),
}
