"""What must be true after a fault and `make restore`."""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

from tests.clone import Clone
from tests.faults.scene import Scene, assert_equal_outputs, list_experiments

RESTORE = ("timeout", "300", "dvc-guard", "restore")  # what make restore runs
Edits = Mapping[str, str]  # contents of edited files, by path


def assert_restored(clone: Clone, scene: Scene, edits: Edits | None = None) -> str:
    """Restore a clone, and check that it is as before the fault, except for `edits`; return what restore printed."""
    edits = edits or {}
    experiments = list_experiments(clone)
    first = restore(clone)
    assert first.returncode == 0, describe(first)
    assert clone.run("git", "symbolic-ref", "HEAD").stdout == "refs/heads/main\n", describe(first)
    changed = clone.run("git", "status", "--porcelain").stdout.splitlines()
    assert changed == [f" M {path}" for path in sorted(edits)], f"{changed}\n{describe(first)}"
    for path, content in edits.items():
        assert (clone.folder / path).read_text() == content, f"{path}: the edit is lost\n{describe(first)}"
    assert_equal_outputs(clone, scene.outputs)
    assert experiments >= list_experiments(scene.run), "the recorded experiment is lost"
    assert list_experiments(clone) == experiments, describe(first)
    assert clone.run("git", "stash", "list").stdout == "", describe(first)
    assert_status(clone, edits)
    assert list(list_processes(clone)) == []
    second = restore(clone)
    assert second.returncode == 0, describe(second)
    assert "What was there" not in second.stdout, describe(second)  # it finds nothing more
    assert second.stdout.splitlines()[-1:] == first.stdout.splitlines()[-1:], describe(second)
    return first.stdout


def restore(clone: Clone) -> "subprocess.CompletedProcess[str]":
    """Run `make restore` in a clone."""
    return clone.run(*RESTORE, check=False)


def describe(process: "subprocess.CompletedProcess[str]") -> str:
    return f"exit status {process.returncode}\n{process.stdout}\n{process.stderr}"


def assert_status(clone: Clone, edits: Edits) -> None:
    """Check that `dvc status` is clean, except for edits of code."""
    status = clone.run("dvc", "status").stdout
    if any(path.startswith("stages/") for path in edits):
        assert "changed outs" not in status, status
    else:
        assert "up to date" in status, status


def list_processes(clone: Clone) -> Iterator[str]:
    """Yield the command of each process that runs in a clone."""
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(clone.folder) and process.status() != psutil.STATUS_ZOMBIE:
                yield " ".join(process.cmdline())
        except (psutil.Error, OSError):
            continue


def list_stages(clone: Clone) -> list[str]:
    """List the processes of stages that run in a clone: the guard, its supervisor and the command."""
    return [command for command in list_processes(clone) if " -m stages." in command]


def wait_until(condition: Callable[[], bool], seconds: float = 180) -> None:
    """Wait for a condition; raise AssertionError if it is not met within that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
