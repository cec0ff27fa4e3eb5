"""Keep a second `dvc exp run` out of the workspace while dvc runs stages in it, by the lock that DVC has for that.

DVC holds that lock only until the first stage begins. Later another `dvc exp run` would write its values into
params.yaml beneath the running stages, and DVC would record them as those that the outputs were made with. So the first
stage of a run starts a guard, which holds the lock for as long as that dvc lives: DVC then refuses the other at once.
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
PATIENCE_SECONDS = 5  # for a `dvc exp run --queue`, which holds the lock while it writes its task down
LOCKS = Path(".dvc/tmp/exps")
WRITERS = LOCKS / "rwlock"
WORKSPACE = "workspace"  # what DVC locks to set an experiment up
EXECUTION = "refs/exps/exec"  # and to bring it into the workspace
EXPERIMENT = f"{EXECUTION}/EXEC_MERGE"  # what it brought in last
HELD = "held"


def read_writers(path: Path) -> dict[str, dict[str, Any]]:
    """Read a file of DVC's locks: what is written, and by whom (`pid` and `cmd`)."""
    for _ in range(20):
        with contextlib.suppress(ValueError):  # another dvc is just writing it
            writers: dict[str, dict[str, Any]] = json.loads(path.read_text()).get("write", {})
            return writers
        time.sleep(CHECK_SECONDS)
    return {}


def keep_workspace(dvc: psutil.Process) -> None:
    """See to it that a running dvc has the workspace for itself, unless it runs apart, as those of a queue do.

    Raises BlockingIOError where another is at work in it, or came in between before this run had its guard.
    """
    if Path(os.environ.get("DVC_ROOT", "")).resolve() != Path.cwd():
        return
    if not _has_guard(dvc):
        _start_guard(dvc)
    name = os.environ.get("DVC_EXP_NAME")
    if name is not None and name not in _read_experiment():
        fault = "can be of another dvc exp run, which began at the same moment; run git restore . && dvc checkout, then"
        raise BlockingIOError(errno.EBUSY, f"{fault} one after the other, or each with --temp", "params.yaml")


def _start_guard(dvc: psutil.Process) -> None:
    LOCKS.mkdir(parents=True, exist_ok=True)
    guard = subprocess.Popen(  # noqa: S603 - itself
        [sys.executable, "-m", "stages.shared.workspace", str(dvc.pid)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl+C is for dvc, and the guard ends with it
    )
    with guard.stdout as output:  # type: ignore[union-attr]
        answer = output.readline().strip()
    if answer != HELD:
        raise BlockingIOError(errno.EBUSY, answer or "its guard has failed", str(WRITERS))


def _read_experiment() -> list[str]:
    """Read whose settings DVC brought into the workspace last: the parts of its message, one of them the name."""
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
    """Be the guard of the dvc whose process ID is the argument: say that the locks are held, or why not."""
    from dvc.exceptions import DvcException  # here, as DVC's modules load slowly and only the guard needs them

    dvc = psutil.Process(int(sys.argv[1]))
    with contextlib.suppress(OSError, psutil.NoSuchProcess), contextlib.ExitStack() as locks:  # the folder may be gone
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

    deadline = time.monotonic() + PATIENCE_SECONDS
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
