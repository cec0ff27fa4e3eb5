"""The pipeline that faults are injected into: on the digits, with small settings, before and after a run."""

import contextlib
import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from tests.clone import Clone

CHANGE = ("-S", "optimizer=adam", "-S", "lr=0.01")


class State(NamedTuple):
    """A file that DVC does not write atomically, the error of DVC if it is damaged, and the fix in the README."""

    path: str
    error: str
    fix: str

    def is_reported(self, output: str) -> bool:
        """Whether DVC printed that error."""
        return bool(re.search(self.error, output))


STATES = (
    State("dvc.lock", r"'(\./)?dvc\.lock'", "git restore dvc.lock && dvc repro"),
    State(
        ".dvc/tmp/rwlock",
        "Unable to read RWLock-file|(?<!utf-8: )'utf-8' codec can't decode byte",
        "rm -f .dvc/tmp/rwlock .dvc/tmp/exps/rwlock && dvc repro",
    ),
)
TEMPORARY_FILES = ".*.tmp"  # of DVC, which was killed while it linked an output; nothing reads them
REMOVE_TEMPORARY_FILES = f"find data models metrics -name '{TEMPORARY_FILES}' -delete"


class Scene:
    """A clone after `dvc repro`, and the outputs of that and of an experiment."""

    def __init__(self, folder: Path, run: Clone) -> None:
        """Use `run`, a clone that `run_on_digits` created. It is only copied."""
        self.folder = folder
        self.run = run
        self.outputs = read_outputs(run)
        self.stages: list[str] = list(YAML(typ="safe").load(run.folder / "dvc.yaml")["stages"])

    @cached_property
    def changed_outputs(self) -> dict[str, str]:
        """The outputs of an experiment with `CHANGE`."""
        clone = self.run.copy(self.folder / "changed")
        clone.run("dvc", "exp", "run", *CHANGE)
        return read_outputs(clone)

    def copy_before(self, stage: str, folder: Path) -> Clone:
        """Return a clone in which `dvc repro` has run the stages before `stage`, and none after."""
        clone = self.run.copy(folder)
        clone.run("git", "reset", "--quiet", "HEAD~1")
        yaml = YAML()  # keeps the format
        lock = yaml.load(clone.run("git", "show", "HEAD:dvc.lock").stdout)
        for name, entry in read_lock(clone).items():
            if self.stages.index(name) < self.stages.index(stage):
                lock["stages"][name] = entry
            else:
                remove_run(clone, name, entry)
        yaml.dump(lock, clone.folder / "dvc.lock")
        return clone


class TooLate(Exception):  # noqa: N818 - not an error: the fault is tried again
    """A run ended before the fault was injected."""


class Fault(NamedTuple):
    """A fault. `inject` raises AssertionError if the pipeline did not survive it."""

    description: str
    tries: int
    inject: Callable[[Scene, Path, Random], None]


def try_fault(fault: Fault, scene: Scene, folder: Path, seed: str = "") -> None:
    """Inject a fault once, in an empty folder within `folder`; repeat if it was too late."""
    random = Random(seed)  # noqa: S311 - not for secrets
    while True:
        with tempfile.TemporaryDirectory(dir=folder) as empty_folder, contextlib.suppress(TooLate):
            return fault.inject(scene, Path(empty_folder), random)


def read_outputs(clone: Clone) -> dict[str, str]:
    """Hash dvc.lock and all files in the folders of outputs."""
    paths = [clone.folder / "dvc.lock"]
    for name in ("data", "models", "metrics"):
        paths += [path for path in (clone.folder / name).rglob("*") if path.is_file() and path.name != ".gitignore"]
    return {
        str(path.relative_to(clone.folder)): hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        for path in paths
        if path.exists()
    }


def read_lock(clone: Clone) -> dict[str, Any]:
    """Read the entries of dvc.lock, by stage."""
    stages: dict[str, Any] = YAML(typ="safe").load(clone.folder / "dvc.lock")["stages"]
    return stages


def remove_run(clone: Clone, stage: str, entry: dict[str, Any]) -> None:
    """Remove the outputs of a stage from the workspace and the cache, and its entry from the run cache."""
    cache = clone.folder / ".dvc/cache"
    for out in entry["outs"]:
        path = clone.folder / out["path"]
        objects = [cache / "files/md5" / out["md5"][:2] / out["md5"][2:]]
        if path.is_dir():
            listed = [item["md5"] for item in json.loads(objects[0].read_text())]
            objects += [cache / "files/md5" / md5[:2] / md5[2:] for md5 in listed]
            shutil.rmtree(path)
        else:
            path.unlink()
        for object_path in objects:
            object_path.unlink(missing_ok=True)
    for run in list(cache.glob("runs/*/*/*")):
        if f"stages.{stage}\n" in run.read_text():
            shutil.rmtree(run.parent)  # DVC fails on a folder without entries


def assert_equal_outputs(clone: Clone, expected: dict[str, str]) -> None:
    """Raise AssertionError with the names of the files that differ."""
    found = read_outputs(clone)
    different = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    assert not different, f"differ from an undisturbed run: {', '.join(different)}"


def assert_one_error(stderr: str) -> None:
    """Raise AssertionError unless a stage printed one error, in one line, without a traceback."""
    errors = [line for line in stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, stderr
    assert "Traceback" not in stderr, stderr


def repro_after_kill(clone: Clone) -> None:
    """Run `dvc repro`; if DVC was killed while it wrote one of its own files, apply the fix in the README."""
    process = clone.run("dvc", "repro", check=False)
    if process.returncode:
        damaged = [state for state in STATES if state.is_reported(process.stderr)]
        assert len(damaged) == 1, process.stderr
        print(f"{damaged[0].path} is truncated; fixed as in the README: {damaged[0].fix}", file=sys.stderr)
        clone.run("sh", "-c", damaged[0].fix)
    if any(Path(name).match(TEMPORARY_FILES) for name in read_outputs(clone)):
        print(f"DVC left temporary files; fixed as in the README: {REMOVE_TEMPORARY_FILES}", file=sys.stderr)
        clone.run("sh", "-c", REMOVE_TEMPORARY_FILES)
