"""The metrics of a project, read whole and judged. DVC's own commands leave out what is corrupt, and exit with 0."""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeGuard, TypeVar

from dvc.exceptions import DvcException
from dvc.utils.serialize import load_path

from checks.project import CannotTellError, project_at

T = TypeVar("T")


class Rule(NamedTuple):
    """Which way a metric is better (higher, lower, same, any), and how far it may go the other way."""

    direction: str
    allowance: float


class Judgement(NamedTuple):
    """One metric: its name, both values, the change, the allowance and the verdict; and whether its rule holds."""

    row: tuple[str, ...]
    holds: bool


def read_metrics(revision: str) -> dict[str, object]:
    """Read every value of all metrics files by `file:key`; by `file`, the error where a file cannot be read.

    `revision` is a commit, or "workspace".
    """
    with project_at(revision) as repo:
        (shown,) = repo.metrics.show(hide_workspace=False, on_error="return").values()
        if "error" in shown:  # such as that of a dvc.yaml that cannot be read
            raise shown["error"]
        metrics: dict[str, object] = {}
        for path in shown["data"]:
            try:
                content = load_path(f"/{path}", repo.dvcfs)
            except (DvcException, OSError) as error:
                metrics[path] = error
            else:
                metrics |= {f"{path}:{key}": value for key, value in flatten(content)}
    return metrics


def flatten(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Yield the innermost values of nested mappings, their keys joined by dots."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flatten(inner, f"{key}.{name}" if key else str(name))
    else:
        yield key, value


def read_reference(revision: str) -> dict[str, object]:
    """Read the metrics that others are to be compared with.

    Raises:
        CannotTellError: there are none, or a file cannot be read.
    """
    metrics = read_metrics(revision)
    for path, value in metrics.items():
        if isinstance(value, Exception):
            raise CannotTellError(f"{path} of {revision} cannot be read: {value}")
    if not metrics:
        raise CannotTellError(f"{revision} has no metrics")
    return metrics


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def look_up(name: str, table: Mapping[str, T], default: T) -> T:
    """Find what a table says of a metric; a more exact name goes before a less exact one."""
    return next((table[alias] for alias in aliases(name) if alias in table), default)


def aliases(name: str) -> list[str]:
    """List the names of a metric: `file:key`, the key, and its last part."""
    key = name.rpartition(":")[2]
    return [name, key, key.rpartition(".")[2]]


def check_names(option: str, names: set[str], metrics: Mapping[str, object]) -> None:
    """Refuse the names given to an option that no metric has."""
    known = {alias for metric in metrics for alias in aliases(metric)}
    for name in sorted(names - known):
        raise CannotTellError(f"{option} {name}: no such metric; there are {', '.join(sorted(metrics))}")


def compare(before: Mapping[str, object], now: Mapping[str, object], rule: Callable[[str], Rule]) -> list[Judgement]:
    """Judge each metric by its rule.

    Raises:
        CannotTellError: a value was no finite number before, and nothing else is amiss.
    """
    judgements = [judge(name, before, now, rule(name)) for name in sorted(before.keys() | now.keys())]
    unclear = [name for name, value in before.items() if not is_number(value)]
    if unclear and all(judgement.holds for judgement in judgements):
        raise CannotTellError(f"{unclear[0]} was {before[unclear[0]]!r}, which is no number to compare with")
    return judgements


def judge(name: str, before: Mapping[str, object], now: Mapping[str, object], rule: Rule) -> Judgement:
    """Judge one metric."""
    old, new = before.get(name), now.get(name)
    cells = (name, show(name, before), show(name, now))
    if not is_number(new):
        verdict = "unreadable" if isinstance(new, Exception) else "not a finite number" if name in now else "missing"
        return Judgement((*cells, "", "", verdict), holds=False)
    if not is_number(old):
        return Judgement((*cells, "", "", "new"), holds=True)
    change = new - old
    worse = {"higher": -change, "lower": change, "same": abs(change), "any": 0}[rule.direction]
    holds = worse <= rule.allowance * (1 + 1e-9)  # a change by just the allowance may be off by a rounding error
    verdict = "ok" if holds else "differs" if rule.direction == "same" else "worse"
    return Judgement((*cells, f"{change:+.6g}", f"{rule.allowance:g}", verdict), holds)


def show(name: str, metrics: Mapping[str, object]) -> str:
    """Write the value of a metric."""
    value = metrics.get(name, "")
    return f"{value:.6g}" if isinstance(value, float) else str(value)
