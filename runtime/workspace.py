"""Lock the workspace against a second `dvc exp run` while dvc runs stages in it.

DVC releases its own lock of the workspace when the first stage begins. A second `dvc exp run` would then change
params.yaml during the first one, and DVC would record the changed values with the outputs of the first. So the first
stage of a run starts a guard process that holds DVC's lock until that dvc ends.
"""

import contextlib
import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

CHECK_SECONDS = 0.05
LOCK_TIMEOUT_SECONDS = 5  # `dvc exp run --queue` holds the lock while it writes its task
LOCKS = Path(".dvc/tmp/exps")
WRITERS = LOCKS / "rwlock"
WORKSPACE = "workspace"  # DVC locks this name to set an experiment up
EXECUTION = "refs/exps/exec"  # and this one to check it out
EXPERIMENT = f"{EXECUTION}/EXEC_MERGE"  # the experiment that was checked out last
HELD = "held"


def read_writers(path: Path) -> dict[str, dict[str, Any]]:
    """Read the writers (`pid` and `cmd`) of DVC's lock file, by what they write."""
    for _ in range(20):
        with contextlib.suppress(ValueError):  # another dvc is writing it
            writers: dict[str, dict[str, Any]] = json.loads(path.read_text()).get("write", {})
            return writers
        time.sleep(CHECK_SECONDS)
    return {}


def lock_workspace(dvc: psutil.Process) -> None:
    """Lock the workspace for the running `dvc`, unless it runs in a folder of its own, as for `--temp` and the queue.

    Raises:
        BlockingIOError: another experiment runs in the workspace, or started before this run had the lock.
    """
    if Path(os.environ.get("DVC_ROOT", "")).resolve() != Path.cwd():
        return
    if not _has_guard(dvc):
        _start_guard(dvc)
    name = os.environ.get("DVC_EXP_NAME")
    if name is not None and name not in _read_experiment():
        reason = "another dvc exp run, started at the same time, may have changed it; run make restore, then one after"
        raise BlockingIOError(errno.EBUSY, f"{reason} the other, or each with --temp", "params.yaml")


def _start_guard(dvc: psutil.Process) -> None:
    LOCKS.mkdir(parents=True, exist_ok=True)
    guard = subprocess.Popen(  # noqa: S603 - this module
        [sys.executable, "-m", "runtime.workspace", str(dvc.pid)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl+C is meant for dvc; the guard ends after it
    )
    with guard.stdout as output:  # type: ignore[union-attr]
        answer = output.readline().strip()
    if answer != HELD:
        raise BlockingIOError(errno.EBUSY, answer or "the guard process failed", str(WRITERS))


def _read_experiment() -> list[str]:
    """Read the commit message of the experiment that DVC checked out last: its parts, one of which is the name."""
    command = ["git", "log", "-1", "--format=%s", EXPERIMENT]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().split(":")  # noqa: S603


def _has_guard(dvc: psutil.Process) -> bool:
    with contextlib.suppress(FileNotFoundError):
        guard = read_writers(WRITERS).get(WORKSPACE)
        return guard is not None and guard["cmd"] == _describe(dvc) and psutil.pid_exists(guard["pid"])
    return False


def _describe(dvc: psutil.Process) -> str:
    return f"guard of PID {dvc.pid}: {' '.join(dvc.cmdline())}"


def main() -> None:
    """Hold the locks until the dvc whose process ID is the argument ends; print HELD, or why they are not held."""
    from dvc.exceptions import DvcException  # DVC's modules are slow to import, and only the guard needs them

    dvc = psutil.Process(int(sys.argv[1]))
    with (
        contextlib.suppress(OSError, psutil.NoSuchProcess),
        contextlib.ExitStack() as locks,
    ):  # the folder may have been removed
        try:
            _acquire(locks, _describe(dvc))
        except (DvcException, OSError) as error:
            print(" ".join(str(error).split()))
            return
        print(HELD, flush=True)
        while dvc.is_running() and dvc.status() != psutil.STATUS_ZOMBIE:
            time.sleep(CHECK_SECONDS)


def _acquire(locks: contextlib.ExitStack, holder: str) -> None:
    from dvc.fs import localfs
    from dvc.lock import LockError
    from dvc.rwlock import rwlock

    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    while True:
        try:
            locks.enter_context(rwlock(str(LOCKS), localfs, holder, [], [WORKSPACE, EXECUTION], False))
        except LockError:
            if time.monotonic() > deadline:
                raise
            time.sleep(CHECK_SECONDS)
        else:
            return


if __name__ == "__main__":
    main()
