"""The inputs of a stage: its dependencies and parameters, as they were when it began.

When a stage has ended, DVC hashes the dependencies and reads the parameters that it finds then, and records them in
dvc.lock as those of the run. An edit during the run would be recorded as what ran.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pathspec import GitIgnoreSpec

from runtime.errors import StageError
from runtime.pipeline import DVC_LOCK, Stage, find_upstream, read_lock
from runtime.yaml_file import read_yaml_mapping, shorten

DVCIGNORE = Path(".dvcignore")

Parameters = dict[Path, dict[str, Any]]  # values by YAML file and key


class FileState(NamedTuple):
    """The inode, size and modification time (ns) of a file, and the MD5 that it had afterwards."""

    stat: tuple[int, int, int]
    md5: str


class Inputs:
    """The inputs of a stage when the object was made."""

    def __init__(self, stage: Stage) -> None:
        """Hash the dependencies and read the parameters.

        Raises:
            StageError: an output of another stage is not what dvc.lock says; DVC does not verify cached files.
            FileNotFoundError: a dependency is missing.
        """
        self.stage = stage
        self.lock = read_lock()
        self.parameters = _read_values(stage.params)
        self.files = {path: FileState(_stat(path), _hash(path)) for path in _list_files(stage.deps)}
        md5s = {out["path"]: out.get("md5") for entry in self.lock.values() for out in entry.get("outs", [])}
        for path, state in self.files.items():
            if state.md5 != md5s.get(path.as_posix(), state.md5):
                raise StageError(
                    f"{path}: MD5 differs from {DVC_LOCK}; to fix: python -m checks cache --repair && dvc repro"
                )

    def confirm_unchanged(self) -> None:
        """Compare the inputs with what they are now.

        Raises:
            StageError: an input was changed, or, at the end of a final stage, a parameter of a stage that it builds on:
                DVC records an experiment with the params.yaml that it finds at its end.
        """
        advice = "nothing was recorded; run the command again"
        changed = ", ".join(path.as_posix() for path in self._list_changed_files())
        if changed:
            raise StageError(f"{changed}: changed while {self.stage.name} ran; {advice}")
        self._confirm(self.parameters, f"while {self.stage.name} ran; {advice}")
        for name in find_upstream(self.stage, self.lock) if self.stage.is_final else []:
            params = self.lock[name].get("params", {})
            self._confirm({Path(file): values for file, values in params.items()}, f"since {name} ran; {advice}")

    def _list_changed_files(self) -> Iterator[Path]:
        files = set(_list_files(self.stage.deps))
        yield from sorted(files ^ self.files.keys())
        for path in sorted(files & self.files.keys()):
            stat, md5 = self.files[path]
            if not path.exists() or (_stat(path) != stat and _hash(path) != md5):
                yield path

    @staticmethod
    def _confirm(parameters: Parameters, when: str) -> None:
        for file, values in _read_values(parameters).items():
            for key, value in values.items():
                before = parameters[file][key]
                if value != before:
                    raise StageError(f"{file}: {key}: changed from {shorten(before)} to {shorten(value)} {when}")


def _read_values(params: Mapping[Path, Iterable[str]]) -> Parameters:
    values: Parameters = {}
    for file, keys in params.items():
        content = read_yaml_mapping(file)
        values[file] = {key: content.get(key) for key in keys}
    return values


def _list_files(deps: Iterable[Path]) -> Iterator[Path]:
    """List the files of dependencies, without what .dvcignore excludes from folders."""
    ignored = GitIgnoreSpec.from_lines(DVCIGNORE.read_text().splitlines() if DVCIGNORE.exists() else [])
    for dep in deps:
        if dep.is_dir():
            files = (path for path in dep.rglob("*") if path.is_file())
            yield from (path for path in files if not ignored.match_file(path.as_posix()))
        elif dep.exists() and not dep.is_file():
            raise StageError(f"{dep}: not a regular file; to fix: make restore")
        else:
            yield dep


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _stat(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
