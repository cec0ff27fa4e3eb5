"""Read metrics, and find them by name. DVC's own commands omit files that they cannot parse, and exit with 0."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from dvc.exceptions import NotDvcRepoError
from dvc.utils.serialize import load_path

from dvc_guard.checks.hashes import find_unpulled_output
from dvc_guard.errors import GuardError
from dvc_guard.project import NotInCacheError, open_project

T = TypeVar("T")


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
    """Read the metrics that others are compared with; none if the revision is older than the project.

    Raises:
        GuardError: A metrics file cannot be read.
    """
    try:
        metrics = read_pulled_metrics(revision)
    except NotDvcRepoError:
        return {}
    for path, value in metrics.items():
        if isinstance(value, Exception):
            raise GuardError(f"cannot read {path} in {revision}: {value}")
    return metrics


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
        GuardError: There is no metric with one of the names.
    """
    known = {alias for metric in metrics for alias in get_aliases(metric)}
    for name in sorted(names - known):
        raise GuardError(f"{option} {name}: no such metric; metrics: {', '.join(sorted(metrics))}")
