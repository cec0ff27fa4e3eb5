"""What dvc.yaml and dvc.lock say of the stages."""

from pathlib import Path
from typing import Any, NamedTuple

from runtime.errors import StageError
from runtime.yaml_file import read_yaml_mapping

DVC_YAML = Path("dvc.yaml")
DVC_LOCK = Path("dvc.lock")

Lock = dict[str, dict[str, Any]]  # the entries of dvc.lock, by the name of the stage


class Stage(NamedTuple):
    """An entry of dvc.yaml: its dependencies (files and folders), and its parameters (keys by YAML file).

    A stage is final if no other stage depends on its outputs.
    """

    name: str
    deps: list[Path]
    params: dict[Path, list[str]]
    is_final: bool


def read_stage(name: str) -> Stage:
    """Read the entry of a stage from dvc.yaml.

    Raises:
        StageError: dvc.yaml is missing, is not valid, or has no such stage.
    """
    entries = read_yaml_mapping(DVC_YAML).get("stages", {})
    if name not in entries:
        raise StageError(f"{DVC_YAML}: stages: {name}: missing")
    entry = entries[name]
    params: dict[Path, list[str]] = {}
    for item in entry.get("params", []):
        # As in DVC: a key of params.yaml, or a mapping of another file to its keys.
        for file, keys in item.items() if isinstance(item, dict) else [("params.yaml", [item])]:
            params.setdefault(Path(file), []).extend(keys)
    outs = [Path(*out) if isinstance(out, dict) else Path(out) for out in _list_outs(entry)]
    all_deps = [Path(dep) for other in entries.values() for dep in other.get("deps", [])]
    is_final = not any(_overlap(out, dep) for out in outs for dep in all_deps)
    return Stage(name, [Path(dep) for dep in entry.get("deps", [])], params, is_final)


def read_lock() -> Lock:
    """Read dvc.lock; empty where there is none."""
    return read_yaml_mapping(DVC_LOCK).get("stages", {}) if DVC_LOCK.exists() else {}


def find_upstream(stage: Stage, lock: Lock) -> list[str]:
    """List the names of the stages of dvc.lock that the dependencies of `stage` come from, directly or not."""
    names: list[str] = []
    pending = list(stage.deps)
    while pending:
        dep = pending.pop()
        for name, entry in lock.items():
            if name not in names and any(_overlap(Path(out["path"]), dep) for out in entry.get("outs", [])):
                names.append(name)
                pending += [Path(item["path"]) for item in entry.get("deps", [])]
    return names


def _list_outs(entry: dict[str, Any]) -> list[str | dict[str, Any]]:
    return [out for key in ("outs", "metrics", "plots") for out in entry.get(key, [])]


def _overlap(path: Path, other: Path) -> bool:
    return path.is_relative_to(other) or other.is_relative_to(path)
