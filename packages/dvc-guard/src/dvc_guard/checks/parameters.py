"""Compare the parameters of a stage at HEAD with dvc.lock."""

from collections.abc import Iterator, Mapping
from typing import Any

from dvc.dependency import ParamsDependency
from dvc.dependency.param import read_param_file

from dvc_guard.checks.hashes import find_cached_output, find_unpulled_output
from dvc_guard.checks.metrics import flatten
from dvc_guard.checks.report import Finding, make_not_compared
from dvc_guard.commit_files import follow_links
from dvc_guard.errors import GuardError, shorten
from dvc_guard.project import NotInCacheError, get_path, open_project

MISSING = object()
MAX_KEYS = 10


def compare_parameters(dep: ParamsDependency, locked: Mapping[str, object]) -> Iterator[Finding]:
    """Compare the parameters that a stage reads from one file with dvc.lock."""
    path = get_path(dep)
    try:
        values = read_parameters(dep)
    except GuardError as error:
        yield make_not_compared(f"params file {path}", error)
        return
    if values is None:
        yield Finding(f"params file {path}: missing from HEAD")
        return
    for key in dep.params or sorted(values.keys() | locked.keys()):
        changes = list(list_changes(key, locked.get(key, MISSING), tuple_to_list(values.get(key, MISSING))))
        for name, old, new in changes[:MAX_KEYS]:
            yield Finding(f"param {name}: {format_value(old)} in dvc.lock, {format_value(new)} in {path}")
        if len(changes) > MAX_KEYS:
            yield Finding(f"param {key}: {len(changes) - MAX_KEYS} more changes in {path}")


def list_changes(key: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield each key that differs, of nested ones the innermost, with both values; also one that is missing in both."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in old | new:
            if name not in old or name not in new or old[name] != new[name]:
                yield from list_changes(f"{key}.{name}", old.get(name, MISSING), new.get(name, MISSING))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from list_changes(f"{key}[{index}]", one, other)
    elif old != new or new is MISSING:
        yield key, old, new


def read_parameters(dep: ParamsDependency) -> dict[str, Any] | None:
    """Read the parameters of a file at HEAD, or in the cache if a stage writes it; None if there is no such file.

    Raises:
        NotInCacheError: The file is an output that is missing from the cache.
        OutsideError, GuardError: see `follow_links`.
    """
    fs, path = dep.repo.fs, dep.fs_path
    if find_cached_output(dep.repo, path):
        unpulled = find_unpulled_output(dep.repo, path)
        if unpulled:
            raise NotInCacheError(unpulled)
        fs, path = dep.repo.dvcfs, f"/{get_path(dep)}"
    else:
        path = follow_links(dep.repo, path)
        if not fs.exists(path):
            return None
    values: dict[str, Any] = read_param_file(fs, path, list(dep.params) or None, flatten=True)
    return values


def read_all_parameters(revision: str) -> dict[str, object]:
    """Read all parameters of the stages at a Git revision or in the "workspace", by `file:key`."""
    with open_project(revision) as repo:
        (shown,) = repo.params.show(hide_workspace=False).values()
    files = {path: file.get("data", {}) for path, file in shown.get("data", {}).items()}
    return {f"{path}:{key}": value for path, values in files.items() for key, value in flatten(values)}


def tuple_to_list(value: Any) -> Any:
    """Convert a tuple, which only a Python params file can contain, to the list that dvc.lock has in its place."""
    return list(value) if isinstance(value, tuple) else value


def format_value(value: Any) -> str:
    """Format the value of a parameter as a Python literal in one short line, or as "missing"."""
    return "missing" if value is MISSING else shorten(value)
