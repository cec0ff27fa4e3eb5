"""Lock the workspace against a second `dvc exp run` while dvc runs stages in it.

DVC releases its own lock of the workspace when the first stage begins. A second `dvc exp run` would then change
params.yaml during the first one, and DVC would record the changed values with the outputs of the first. So the first
stage of a run starts a process that holds DVC's lock until that dvc ends.
"""

import errno
import os
import sys
from pathlib import Path

from dvc_guard.run.dvc import Dvc, read_lock_file
from dvc_guard.run.lock_holder import HELD, LOCKS, WORKSPACE, exists
from dvc_guard.run.process import read_command

EXPERIMENT = "refs/exps/exec/EXEC_MERGE"  # the experiment that DVC checked out last


def lock_workspace(root: Path, dvc: Dvc) -> None:
    """Lock the workspace for the running dvc, if it runs there.

    Raises:
        BlockingIOError: another experiment runs in the workspace, or started before this run had the lock.
    """
    if not is_workspace(root):
        return
    holder = f"guard of PID {dvc.pid}: {' '.join(read_command(dvc.pid))}"
    held = read_lock_file(root / LOCKS / "rwlock").get("write", {}).get(WORKSPACE)
    if held is None or held["cmd"] != holder or not exists(held["pid"]):
        _start_holder(root, dvc, holder)
    name = os.environ.get("DVC_EXP_NAME")
    if name is not None and name not in _read_experiment(root):
        reason = "another dvc exp run, started at the same time, may have changed it; run dvc-guard restore, then one"
        raise BlockingIOError(errno.EBUSY, f"{reason} after the other, or each with --temp", "params.yaml")


def is_workspace(root: Path) -> bool:
    """Return whether a project is the user's, and no folder of its own of a `--temp` run or of the queue."""
    return Path(os.environ.get("DVC_ROOT", "")).resolve() == root.resolve()


def _start_holder(root: Path, dvc: Dvc, holder: str) -> None:
    output, other_end = os.pipe()
    command = [sys.executable, "-P", "-m", "dvc_guard.run.lock_holder", str(dvc.pid), str(root), holder]
    null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 2)]
    pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=[*null, (os.POSIX_SPAWN_DUP2, other_end, 1)])
    os.close(other_end)
    with os.fdopen(output) as file:
        answer = file.read().strip()
    os.waitpid(pid, 0)
    if answer != HELD:
        raise BlockingIOError(errno.EBUSY, answer or "the process that holds it failed", str(LOCKS / "rwlock"))


def _read_experiment(root: Path) -> list[str]:
    """Read the commit message of the experiment that DVC checked out last: its parts, one of which is the name."""
    from dvc_guard.git import try_git

    return (try_git("log", "-1", "--format=%s", EXPERIMENT, cwd=root) or "").split(":")
