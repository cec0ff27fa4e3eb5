"""What is to be disturbed: the pipeline on the digits, with small settings, before and after a run."""

import contextlib
import hashlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from tests.conftest import Clone

SETTINGS = {"dataset": "digits", "validation_size": 150, "epochs": 3, "hidden_sizes": [16]}
CHANGE = ("-S", "optimizer=adam", "-S", "lr=0.01")


class State(NamedTuple):
    """A file that DVC does not write in one piece, what DVC says where it is damaged, and the README's mend."""

    name: str
    said: str
    mend: str

    def is_named_in(self, text: str) -> bool:
        """Whether DVC says so."""
        return bool(re.search(self.said, text))


STATES = (
    State("dvc.lock", r"'(\./)?dvc\.lock'", "git restore dvc.lock && dvc repro"),
    State(
        ".dvc/tmp/rwlock",
        "Unable to read RWLock-file|(?<!utf-8: )'utf-8' codec can't decode byte",
        "rm -f .dvc/tmp/rwlock .dvc/tmp/exps/rwlock && dvc repro",
    ),
)
REMAINS = ".*.tmp"  # where a kill met DVC as it linked an output; nothing reads it
REMOVE_REMAINS = f"find data models metrics -name '{REMAINS}' -delete"


class Scene:
    """Clones before and after `dvc repro`, and what that and an experiment gave."""

    def __init__(self, folder: Path) -> None:
        """Run the pipeline in `folder`, and once more with a change."""
        self.folder = folder
        self.fresh = Clone.of_working_tree(folder / "fresh")
        self.fresh.set_parameters(**SETTINGS)
        self.fresh.identify()
        self.fresh.commit("Small settings")
        self.run = self.fresh.copy(folder / "run")
        started = time.monotonic()
        self.run.run("dvc", "repro")
        self.seconds = time.monotonic() - started
        self.run.commit("Baseline")
        self.outputs = read_outputs(self.run)
        changed = self.run.copy(folder / "changed")
        changed.run("dvc", "exp", "run", *CHANGE)
        self.changed_outputs = read_outputs(changed)


class TooLate(Exception):  # noqa: N818 - no error: it is tried again at another moment
    """A run was over before it could be disturbed."""


class Fault(NamedTuple):
    """A way to break a run. `try_once` raises AssertionError if it was not survived."""

    what: str
    tries: int
    try_once: Callable[[Scene, Path, Random], None]


def try_in_time(fault: Fault, scene: Scene, folder: Path, seed: str = "") -> None:
    """Try a fault, and again for as long as it comes too late."""
    random = Random(seed)  # noqa: S311 - not for secrets
    while True:
        with tempfile.TemporaryDirectory(dir=folder) as empty_folder, contextlib.suppress(TooLate):
            return fault.try_once(scene, Path(empty_folder), random)


def read_outputs(clone: Clone) -> dict[str, str]:
    """Hash dvc.lock and all that lies where the stages write."""
    paths = [clone.folder / "dvc.lock"]
    for name in ("data", "models", "metrics"):
        paths += [path for path in (clone.folder / name).rglob("*") if path.is_file() and path.name != ".gitignore"]
    return {
        str(path.relative_to(clone.folder)): hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        for path in paths
        if path.exists()
    }


def read_lock(clone: Clone) -> dict[str, Any]:
    """Read what dvc.lock says of each stage, in whatever order."""
    stages: dict[str, Any] = YAML(typ="safe").load(clone.folder / "dvc.lock")["stages"]
    return stages


def assert_equal_outputs(clone: Clone, expected: dict[str, str]) -> None:
    """Raise AssertionError, naming the files that differ."""
    found = read_outputs(clone)
    different = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    assert not different, f"differ from an undisturbed run: {', '.join(different)}"


def assert_one_line(text: str) -> None:
    """Raise AssertionError unless there is one error of a stage, in one line, and no traceback."""
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, text
    assert "Traceback" not in text, text


def repro_after_kill(clone: Clone) -> None:
    """Run `dvc repro`; and, where the kill met DVC as it wrote a file of its own, what the README says of that."""
    process = clone.run("dvc", "repro", check=False)
    if process.returncode:
        damaged = [state for state in STATES if state.is_named_in(process.stderr)]
        assert len(damaged) == 1, process.stderr
        print(f"{damaged[0].name} was cut off: {damaged[0].mend}, as the README says", file=sys.stderr)
        clone.run("sh", "-c", damaged[0].mend)
    if any(Path(name).match(REMAINS) for name in read_outputs(clone)):
        print(f"DVC has left a temporary file: {REMOVE_REMAINS}, as the README says", file=sys.stderr)
        clone.run("sh", "-c", REMOVE_REMAINS)


def start(clone: Clone, *command: str) -> "subprocess.Popen[str]":
    """Start a command of its own session in a clone. What it prints goes to the pipe of standard output."""
    return subprocess.Popen(
        command,
        cwd=clone.folder,
        env=clone.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
