"""The inputs of a stage: its dependencies and parameters, as they were when it began.

When a stage has ended, DVC hashes the dependencies and reads the parameters that it finds then, and records them in
dvc.lock as those of the run. An edit during the run would be recorded as what ran.

Hashing large data twice would be slow. Files are hashed when the stage begins, as far as that is cheap; and when it has
ended, only those of which the inode, the size or a time has changed.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dvc_guard.errors import GuardError, shorten
from dvc_guard.run.files import Stat, hash_directory, hash_file, list_files, read_stat
from dvc_guard.run.parameters import ParameterFiles, is_parsed
from dvc_guard.run.pipeline import Pipeline, Stage

CHEAP_BYTES = 40_000_000  # of all files that are hashed in passing: 0.06 s
ADVICE = "nothing was recorded; run the command again"
BYTECODE = "__pycache__"  # Python writes it into a folder of modules
ADVICE_ON_BYTECODE = f"add {BYTECODE} to .dvcignore"
ADVICE_ON_OUTPUT = "to restore it: dvc-guard cache --repair && dvc repro; to keep it: dvc commit"
BYTES_TO_OPEN = 65_536  # are hashed in the time that it takes to open a file


class FileState(NamedTuple):
    """The status of a file, and its MD5, or the one that it should have according to dvc.lock, or None."""

    stat: Stat
    md5: str | None


class Inputs:
    """The inputs of the stage of a pipeline when the object was made."""

    def __init__(self, pipeline: Pipeline, *, verify: bool, identify: bool = False) -> None:
        """Hash the dependencies and read the parameters.

        With `verify`, hash also large dependencies; with `identify`, those of which dvc.lock has no hash.

        Raises:
            GuardError: an output of another stage is not what dvc.lock says; DVC does not verify cached files.
            FileNotFoundError: a dependency is missing.
        """
        self.pipeline = pipeline
        self.stage = pipeline.stage
        self.parameter_files = ParameterFiles()
        parsed = {file: keys for file, keys in self.stage.params.items() if is_parsed(file, keys)}
        self.deps = [*self.stage.deps, *(file for file in self.stage.params if file not in parsed)]
        self.parameters = {file: self._read(self.stage, file, keys) for file, keys in parsed.items()}
        stats = {path: read_stat(self.stage.locate(path)) for path in self._list_files()}
        expected = pipeline.find_hashes()
        hashed = set(stats if verify else _find_cheap(stats))
        if identify:
            hashed |= {path for path in stats if self.stage.locate(path) not in expected}
        hashes = {path: hash_file(self.stage.locate(path)) for path in hashed}
        self._compare({self.stage.locate(path): hashes.get(path) for path in stats}, expected)
        self.files = {
            path: FileState(stat, hashes.get(path) or expected.get(self.stage.locate(path)))
            for path, stat in stats.items()
        }

    def _compare(self, found: Mapping[str, str | None], expected: Mapping[str, str]) -> None:
        """Compare the MD5 of files, if they are known, with those of dvc.lock."""
        deps = [self.stage.locate(dep) for dep in self.stage.deps]
        for out, md5 in expected.items():
            actual = found.get(out)
            if md5.endswith(".dir") and any(out == dep or out.startswith(f"{dep}/") for dep in deps):
                actual = hash_directory({path: found[path] for path in found if path.startswith(f"{out}/")}, out)
            if actual not in {md5, None}:
                path = os.path.relpath(out, self.stage.folder)
                raise GuardError(f"{path}: MD5 differs from dvc.lock; {ADVICE_ON_OUTPUT}")

    def identify(self) -> str:
        """Return a text that is the same only for the same contents of all inputs. It needs `identify` of `__init__`.

        Raises:
            GuardError: a dependency is not in the workspace.
        """
        for dep in self.deps:
            if "://" in dep:
                raise GuardError(f"{dep}: its content is not known")
        hashes = {path: md5 for path, (_, md5) in self.files.items()}
        return repr([sorted(hashes.items()), sorted(self.parameters.items())])

    def _list_files(self) -> list[str]:
        return list(list_files(self.stage.folder, self.deps, self.pipeline.root))

    def _read(self, stage: Stage, file: str, keys: Iterable[str]) -> dict[str, Any]:
        return self.parameter_files.read(Path(stage.locate(file)), keys)

    def confirm_unchanged(self) -> None:
        """Compare the inputs with what they are now.

        Raises:
            GuardError: an input was changed.
        """
        if change := self.find_change("ran"):
            raise GuardError(f"{change}; {ADVICE}{advise(change)}")

    def find_change(self, runs: str) -> str | None:
        """Compare the inputs with what they are now; describe the first change, or return None. `runs` is the verb.

        In an experiment, a final stage compares the parameters of the stages that it builds on, too: DVC records an
        experiment with the params.yaml that it finds at its end.

        Raises:
            GuardError, OSError: a file of parameters cannot be read any more.
        """
        when = f"while {self.pipeline.address} {runs}"
        if changed := list(self._list_changed_files()):
            return f"{', '.join(changed)}: changed {when}"
        if change := self._find_changed_value(self.stage, self.parameters, when):
            return change
        for upstream in self._list_confirmed_upstream():
            params = self.pipeline.lock[upstream].get("params", {})
            since = f"since {upstream} ran"
            if change := self._find_changed_value(self.pipeline.stages[upstream], params, since, _round):
                return change
        return None

    def list_parameter_files(self) -> set[str]:
        """List the absolute paths of the files of which values are compared."""
        stages = [self.stage, *(self.pipeline.stages[name] for name in self._list_confirmed_upstream())]
        return {stage.locate(file) for stage in stages for file, keys in stage.params.items() if is_parsed(file, keys)}

    def _list_confirmed_upstream(self) -> list[str]:
        ends_experiment = "DVC_EXP_NAME" in os.environ and self.pipeline.is_final
        return self.pipeline.find_upstream() if ends_experiment else []

    def _list_changed_files(self) -> Iterator[str]:
        files = set(self._list_files())
        yield from sorted(files ^ self.files.keys())
        for path in sorted(files & self.files.keys()):
            before, md5 = self.files[path]
            try:
                after = read_stat(self.stage.locate(path))
                if after != before and (
                    after.size != before.size
                    or (hash_file(self.stage.locate(path)) != md5 if md5 else after[:3] != before[:3])
                ):
                    yield path
            except FileNotFoundError:
                yield path

    def _find_changed_value(
        self,
        stage: Stage,
        parameters: Mapping[str, Mapping[str, Any]],
        when: str,
        normalize: Callable[[Any], Any] = lambda value: value,
    ) -> str | None:
        for file, values in parameters.items():
            if not is_parsed(file, values):
                continue
            for key, value in self._read(stage, file, values).items():
                before = values[key]
                if normalize(value) != normalize(before):
                    return f"{file}: {key}: changed from {shorten(before)} to {shorten(value)} {when}"
        return None


def advise(change: str) -> str:
    """Return what else to do about a change that `find_change` describes."""
    return f"; {ADVICE_ON_BYTECODE}" if f"{BYTECODE}/" in change else ""


def _find_cheap(stats: Mapping[str, Stat]) -> Iterator[str]:
    """Yield the files that are hashed in passing, small ones first."""
    total = 0
    for path, stat in sorted(stats.items(), key=lambda item: item[1].size):
        total += max(stat.size, BYTES_TO_OPEN)
        if total > CHEAP_BYTES:
            return
        yield path


def _round(value: Any) -> Any:
    """Round numbers to 14 digits: DVC changes the last one of some when it writes dvc.lock again."""
    if isinstance(value, dict):
        return {key: _round(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_round(item) for item in value]
    return float(f"{value:.14g}") if isinstance(value, float) else value
