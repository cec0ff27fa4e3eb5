"""The stages of a dvc.yaml, and its dvc.lock."""

import os
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from dvc_guard.errors import GuardError
from dvc_guard.yaml_file import read_yaml_mapping

PARAMS_YAML = "params.yaml"
OUTPUTS = ("outs", "metrics", "plots")
RESOLVED = ("wdir", "deps", "params", *OUTPUTS)  # what the guard reads of a stage

Params = dict[str, list[str]]  # keys by file; none: the whole file


class Stage(NamedTuple):
    """A stage. `folder` is where its paths start."""

    folder: Path
    deps: list[str]
    params: Params
    outs: list[str]

    def locate(self, path: str) -> str:
        """Return an absolute path."""
        return os.path.normpath(self.folder / path)


class Pipeline:
    """The stages of a dvc.yaml, by name, one of which runs."""

    def __init__(self, root: Path, file: Path, name: str, address: str) -> None:
        """Read dvc.yaml; `root` is that of the project, and `address` how DVC shows the name.

        Raises:
            GuardError: dvc.yaml is not valid, or has no such stage.
        """
        self.root = root
        self.name = name
        self.address = address
        self.stages = _read_stages(root, file, name)
        self.stage = self.stages[name]
        self.lock_file = file.with_suffix(".lock")

    @cached_property
    def lock(self) -> dict[str, dict[str, Any]]:
        """The entries of dvc.lock, by name of the stage; empty where there is none."""
        if not self.lock_file.exists():
            return {}
        entries: dict[str, dict[str, Any]] = read_yaml_mapping(shown(self.lock_file)).get("stages", {})
        return {name: entry for name, entry in entries.items() if name in self.stages}

    @property
    def is_final(self) -> bool:
        """Whether no other stage depends on an output of this one."""
        outs = [self.stage.locate(out) for out in self.stage.outs]
        deps = [stage.locate(dep) for stage in self.stages.values() for dep in stage.deps]
        return not any(overlap(out, dep) for out in outs for dep in deps)

    def find_hashes(self) -> dict[str, str]:
        """Return the MD5 that dvc.lock has for each output, by absolute path; none if no dependency is an output."""
        outs = [stage.locate(out) for stage in self.stages.values() for out in stage.outs]
        deps = [self.stage.locate(dep) for dep in self.stage.deps]
        if not any(overlap(out, dep) for out in outs for dep in deps):
            return {}
        return {
            self.stages[name].locate(out["path"]): out["md5"]
            for name, entry in self.lock.items()
            for out in entry.get("outs", [])
            if out.get("hash") == "md5" and "md5" in out  # not of DVC 2, which changed line breaks; nor by version
        }

    def find_upstream(self) -> list[str]:
        """List the names of the stages of dvc.lock that the dependencies come from, directly or not."""
        names: list[str] = []
        pending = [self.stage.locate(dep) for dep in self.stage.deps]
        while pending:
            dep = pending.pop()
            for name, entry in self.lock.items():
                locate = self.stages[name].locate
                if name not in names and any(overlap(locate(out["path"]), dep) for out in entry.get("outs", [])):
                    names.append(name)
                    pending += [locate(item["path"]) for item in entry.get("deps", [])]
        return names


def read_pipeline(root: Path, folder: Path, address: str) -> Pipeline:
    """Read the dvc.yaml of a stage, whose `address` is NAME or PATH:NAME, relative to the folder of dvc."""
    path, _, name = address.rpartition(":")
    return Pipeline(root, Path(os.path.normpath(folder / (path or "dvc.yaml"))), name, address)


def shown(path: Path | str) -> Path:
    """Return a path as errors show it: relative to the current folder."""
    return Path(os.path.relpath(path))


def overlap(path: str, other: str) -> bool:
    """Return whether two absolute paths are equal, or one is in the folder that the other is."""
    return path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/")


def _read_stages(root: Path, file: Path, name: str) -> dict[str, Stage]:
    entries = read_yaml_mapping(shown(file)).get("stages", {})
    values = [[entry.get(key) for key in RESOLVED] for entry in entries.values()]
    is_template = "${" in str(values) or any({"foreach", "matrix"} & entry.keys() for entry in entries.values())
    if is_template:
        from dvc_guard.run.templates import resolve_stages  # imports DVC, which takes half a second

        stages = resolve_stages(root, file)
    else:
        stages = {each: _parse_stage(file.parent, entry) for each, entry in entries.items()}
    if name not in stages:
        raise GuardError(f"{shown(file)}: stages: {name}: missing")
    return stages


def _parse_stage(folder: Path, entry: dict[str, Any]) -> Stage:
    params: Params = {}
    for item in entry.get("params", []):
        # As in DVC: a key of params.yaml, or a mapping of another file to its keys.
        for file, keys in item.items() if isinstance(item, dict) else [(PARAMS_YAML, [item])]:
            params.setdefault(file, []).extend(keys or [])
    outs = [path for key in OUTPUTS for out in entry.get(key, []) for path in (out if isinstance(out, dict) else [out])]
    return Stage(folder / entry.get("wdir", ""), entry.get("deps", []), params, outs)
