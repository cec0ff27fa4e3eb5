"""Compare the parameters of a stage at HEAD with dvc.lock."""

from collections.abc import Iterator, Mapping
from typing import Any

from dvc.dependency import ParamsDependency
from dvc.dependency.param import read_param_file

from dvc_guard.checks.hashes import find_cached_output, find_unpulled_output
from dvc_guard.checks.report import ERROR, Finding
from dvc_guard.project import NotInCacheError, get_path

MISSING = object()


def compare_parameters(dep: ParamsDependency, locked: Mapping[str, object]) -> Iterator[Finding]:
    """Compare the parameters that a stage reads from one file with dvc.lock."""
    path = get_path(dep)
    try:
        values = read_parameters(dep)
    except NotInCacheError as error:
        yield Finding(f"params file {path}: not compared, because {error}", ERROR, error.target)
        return
    if values is None:
        yield Finding(f"params file {path}: missing from HEAD")
        return
    for key in sorted(values.keys() | locked.keys() | set(dep.params)):
        value, locked_value = values.get(key, MISSING), locked.get(key, MISSING)
        if dep.params and key not in dep.params:
            yield Finding(f"param {key}: no longer in dvc.yaml")
        elif tuple_to_list(value) != locked_value or value is MISSING:
            yield Finding(f"param {key}: {format_value(locked_value)} in dvc.lock, {format_value(value)} in {path}")


def read_parameters(dep: ParamsDependency) -> dict[str, Any] | None:
    """Read the parameters of a file at HEAD, or in the cache if a stage writes it; None if there is no such file.

    Raises:
        NotInCacheError: The file is an output that is missing from the cache.
    """
    if find_cached_output(dep.repo, dep.fs_path):
        unpulled = find_unpulled_output(dep.repo, dep.fs_path)
        if unpulled:
            raise NotInCacheError(unpulled)
        values: dict[str, Any] = read_param_file(
            dep.repo.dvcfs, f"/{get_path(dep)}", list(dep.params) or None, flatten=True
        )
        return values
    return dep.read_params() if dep.exists else None


def tuple_to_list(value: Any) -> Any:
    """Convert a tuple, which only a Python params file can contain, to the list that dvc.lock has in its place."""
    return list(value) if isinstance(value, tuple) else value


def format_value(value: Any) -> str:
    """Format the value of a parameter as a Python literal, or as "missing"."""
    return "missing" if value is MISSING else repr(value)
