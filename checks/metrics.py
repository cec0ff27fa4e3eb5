"""Read and compare metrics. DVC's own commands omit metrics files that they cannot parse, and exit with 0."""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeGuard, TypeVar

from dvc.utils.serialize import load_path

from .hashes import find_unpulled_output
from .project import CheckError, NotInCacheError, open_project

T = TypeVar("T")
INVALID_REFERENCE = "reference is not a finite number"


class Rule(NamedTuple):
    """Which direction of change is better (higher, lower, same, any), and the largest change for the worse."""

    direction: str
    allowance: float


class Comparison(NamedTuple):
    """One metric. `row` has its name, reference value, current value, change, allowance and verdict."""

    row: tuple[str, ...]
    passed: bool


def read_metrics(revision: str) -> dict[str, object]:
    """Read all metrics at a Git revision or in the "workspace", by `file:key`.

    A file that cannot be read has one entry: its path, with the exception as the value.
    """
    with open_project(revision) as repo:
        (shown,) = repo.metrics.show(hide_workspace=False, on_error="return").values()
        if "error" in shown:  # for example, dvc.yaml is not valid
            raise shown["error"]
        metrics: dict[str, object] = {}
        for path in shown["data"]:
            try:
                content = load_path(f"/{path}", repo.dvcfs)
            except Exception as error:  # noqa: BLE001 - of the file's parser, or of the remote's client
                unpulled = find_unpulled_output(repo, f"{repo.root_dir.rstrip('/')}/{path}")
                metrics[path] = NotInCacheError(unpulled) if unpulled else error
            else:
                metrics |= {f"{path}:{key}": value for key, value in flatten(content)}
    return metrics


def flatten(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Yield the keys and values of nested mappings, with the keys joined by dots."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flatten(inner, f"{key}.{name}" if key else str(name))
    else:
        yield key, value


def read_pulled_metrics(revision: str) -> dict[str, object]:
    """Read all metrics, as `read_metrics` does.

    Raises:
        NotInCacheError: A metrics file is missing from the cache.
    """
    metrics = read_metrics(revision)
    for value in metrics.values():
        if isinstance(value, NotInCacheError):
            raise value
    return metrics


def read_reference(revision: str) -> dict[str, object]:
    """Read the metrics that others are compared with.

    Raises:
        CheckError: There are no metrics, or a metrics file cannot be read.
    """
    metrics = read_pulled_metrics(revision)
    for path, value in metrics.items():
        if isinstance(value, Exception):
            raise CheckError(f"cannot read {path} in {revision}: {value}")
    if not metrics:
        raise CheckError(f"{revision} has no metrics")
    return metrics


def is_finite_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a number that is a finite float; False for booleans."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def look_up(name: str, table: Mapping[str, T], default: T) -> T:
    """Return the entry of a metric in a table by its names. The most specific name has precedence."""
    return next((table[alias] for alias in get_aliases(name) if alias in table), default)


def get_aliases(name: str) -> list[str]:
    """Return the names that options accept for a metric, most specific first: `file:a.b`, `a.b` and `b`."""
    key = name.rpartition(":")[2]
    return [name, key, key.rpartition(".")[2]]


def validate_names(option: str, names: set[str], metrics: Mapping[str, object]) -> None:
    """Validate the metric names in the values of a command-line option.

    Raises:
        CheckError: There is no metric with one of the names.
    """
    known = {alias for metric in metrics for alias in get_aliases(metric)}
    for name in sorted(names - known):
        raise CheckError(f"{option} {name}: no such metric; metrics: {', '.join(sorted(metrics))}")


def compare_metrics(
    reference: Mapping[str, object], current: Mapping[str, object], get_rule: Callable[[str], Rule]
) -> list[Comparison]:
    """Compare each metric in either mapping by its rule, sorted by name.

    Raises:
        CheckError: A reference value cannot be compared, and no metric failed.
    """
    names = sorted(reference.keys() | current.keys())
    comparisons = [compare_metric(name, reference, current, get_rule(name)) for name in names]
    invalid = [comparison.row[0] for comparison in comparisons if comparison.row[-1] == INVALID_REFERENCE]
    if invalid and all(comparison.passed for comparison in comparisons):
        raise CheckError(f"{invalid[0]}: reference value {reference[invalid[0]]!r} is not a finite number")
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


def is_equal(old: object, new: object) -> bool:
    """Return whether two values are equal and of the same type; False for NaN and infinity."""
    return type(old) is type(new) and old == new and not isinstance(new, float)


def format_value(name: str, metrics: Mapping[str, object]) -> str:
    """Format the value of a metric, floats with 6 significant digits; "" if the metric is missing."""
    value = metrics.get(name, "")
    return f"{value:.6g}" if isinstance(value, float) else str(value)
