"""The pipeline that faults are injected into: on the digits, with small settings, before and after a run."""

import contextlib
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from tests.clone import Clone

CHANGE = ("-S", "optimizer=adam", "-S", "lr=0.01")
ATTEMPTS = 20


class Scene:
    """A clone after `dvc repro` and a commit, with a recorded experiment, and the outputs of runs."""

    def __init__(self, folder: Path, run: Clone) -> None:
        """Copy `run`, a clone in which the pipeline ran, and the result is committed."""
        self.folder = folder
        self.run = run.copy(folder / "recorded/clone")
        record_experiment(self.run)
        self.outputs = read_outputs(run)
        self.stages: list[str] = list(YAML(typ="safe").load(run.folder / "dvc.yaml")["stages"])

    @cached_property
    def changed_outputs(self) -> dict[str, str]:
        """The outputs of an experiment with `CHANGE`."""
        clone = self.run.copy(self.folder / "changed")
        clone.run("dvc", "exp", "run", *CHANGE)
        return read_outputs(clone)

    def copy(self, folder: Path) -> Clone:
        """Return a copy of the clone."""
        return self.run.copy(folder)

    def copy_before(self, stage: str, folder: Path) -> Clone:
        """Return a copy in which `dvc repro` has run the stages before `stage`, and none after, since the last run."""
        clone = self.copy(folder)
        yaml = YAML()  # keeps the format
        lock = yaml.load(clone.folder / "dvc.lock")
        for name, entry in read_lock(clone).items():
            if self.stages.index(name) >= self.stages.index(stage):
                remove_run(clone, name, entry)
                lock["stages"][name]["cmd"] = "false"  # the order of the stages stays
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
    """Inject a fault once, in an empty folder within `folder`; repeat if it was too late, up to ATTEMPTS times."""
    random = Random(seed)  # noqa: S311 - not for secrets
    for _ in range(ATTEMPTS):
        with tempfile.TemporaryDirectory(dir=folder) as empty_folder, contextlib.suppress(TooLate):
            fault.inject(scene, Path(empty_folder), random)
            return
    raise AssertionError(f"too late, {ATTEMPTS} times")


def record_experiment(clone: Clone) -> None:
    """Record an experiment as DVC does, with the outputs of the last commit."""
    head = clone.run("git", "rev-parse", "HEAD").stdout.strip()
    message = "dvc: commit experiment"
    commit = clone.run("git", "commit-tree", "HEAD^{tree}", "-p", head, "-m", message).stdout.strip()
    clone.run("git", "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/recorded", commit)


def list_experiments(clone: Clone) -> set[str]:
    refs = clone.run("git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps/??/").stdout
    return set(refs.splitlines())


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
    stages: dict[str, Any] = YAML(typ="safe").load(clone.folder / "dvc.lock")["stages"]
    return stages


def remove_run(clone: Clone, stage: str, entry: dict[str, Any]) -> None:
    """Remove the outputs of a stage from the workspace and the cache, and its entry from the run cache."""
    for out in entry["outs"]:
        path = clone.folder / out["path"]
        objects = [find_object(clone, out["md5"])]
        if path.is_dir():
            objects += [find_object(clone, item["md5"]) for item in json.loads(objects[0].read_text())]
            shutil.rmtree(path)
        else:
            path.unlink()
        for object_path in objects:
            object_path.unlink(missing_ok=True)
    for run in list((clone.folder / ".dvc/cache").glob("runs/*/*/*")):
        if f"stages.{stage}\n" in run.read_text():
            shutil.rmtree(run.parent)  # DVC fails on a folder without entries


def find_object(clone: Clone, md5: str) -> Path:
    return clone.folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


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
