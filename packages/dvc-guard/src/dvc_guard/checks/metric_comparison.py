"""Compare metrics by rules."""

import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeGuard

from dvc_guard.errors import GuardError

INVALID_REFERENCE = "reference is not a finite number"


class Rule(NamedTuple):
    """Which direction of change is better (higher, lower, same, any), and the largest change for the worse."""

    direction: str
    allowance: float


class Comparison(NamedTuple):
    """One metric. `row` has its name, reference value, current value, change, allowance and verdict."""

    row: tuple[str, ...]
    passed: bool


def compare_metrics(
    reference: Mapping[str, object], current: Mapping[str, object], get_rule: Callable[[str], Rule]
) -> list[Comparison]:
    """Compare each metric in either mapping by its rule, sorted by name.

    Raises:
        GuardError: A reference value cannot be compared, and no metric failed.
    """
    names = sorted(reference.keys() | current.keys())
    comparisons = [compare_metric(name, reference, current, get_rule(name)) for name in names]
    invalid = [comparison.row[0] for comparison in comparisons if comparison.row[-1] == INVALID_REFERENCE]
    if invalid and all(comparison.passed for comparison in comparisons):
        raise GuardError(f"{invalid[0]}: reference value {reference[invalid[0]]!r} is not a finite number")
    return comparisons


def compare_metric(name: str, reference: Mapping[str, object], current: Mapping[str, object], rule: Rule) -> Comparison:
    """Compare one metric.

    It passes if it is new, equal (whatever its type), or may be anything. Otherwise both must be finite numbers.
    """
    old, new = reference.get(name), current.get(name)
    cells = (name, format_value(name, reference), format_value(name, current))
    allowed = f"{rule.allowance:g}"
    if name not in current or isinstance(new, Exception):
        return Comparison((*cells, "", "", "unreadable" if name in current else "missing"), passed=False)
    both_finite = is_finite_number(old) and is_finite_number(new)
    if not both_finite and (rule.direction == "any" or (name in reference and is_equal(old, new))):
        return Comparison((*cells, "", allowed, "ok"), passed=True)
    if not is_finite_number(new):
        return Comparison((*cells, "", "", "not a finite number"), passed=False)
    if not is_finite_number(old):
        return Comparison((*cells, "", "", INVALID_REFERENCE if name in reference else "new"), passed=True)
    change = new - old
    worse = {"higher": -change, "lower": change, "same": abs(change), "any": 0}[rule.direction]
    passed = worse <= rule.allowance * (1 + 1e-9)  # tolerate the rounding error of `change`
    verdict = "ok" if passed else "differs" if rule.direction == "same" else "worse"
    return Comparison((*cells, f"{change:+.6g}", allowed, verdict), passed)


def is_finite_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a number that is a finite float; False for booleans."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def is_equal(old: object, new: object) -> bool:
    """Return whether two values are equal and of the same type. NaN, also in a list, is equal to NaN."""
    return type(old) is type(new) and (old == new or repr(old) == repr(new))


def format_value(name: str, metrics: Mapping[str, object]) -> str:
    """Format the value of a metric, floats with 6 significant digits; "" if the metric is missing."""
    value = metrics.get(name, "")
    return f"{value:.6g}" if isinstance(value, float) else str(value)
