"""The process that holds DVC's lock of the workspace until a dvc ends.

Run: python -m dvc_guard.run.lock_holder PID ROOT HOLDER

Prints HELD, or why the lock is not held. It writes DVC's list of locks as dvc.rwlock does, whose import takes half a
second: under a lock of the file beside it.
"""

import contextlib
import fcntl
import json
import os
import select
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dvc_guard.run.process import open_process, read_status

LOCKS = Path(".dvc/tmp/exps")
WORKSPACE = "workspace"  # DVC locks this name to set an experiment up
EXECUTION = "refs/exps/exec"  # and this one to check it out
NAMES = (WORKSPACE, EXECUTION)
HELD = "held"
POLL_SECONDS = 0.05
TIMEOUT_SECONDS = 5  # `dvc exp run --queue` holds the lock while it writes its task


class LockError(Exception):
    """The lock cannot be had; the text says why."""


def main() -> None:
    """Hold the lock as a process of its own, apart from the stage that starts it."""
    if os.fork():
        os._exit(0)
    os.setsid()  # Ctrl+C is meant for dvc; this process ends after it
    pid, root, holder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    os.chdir(root)
    dvc = read_status(pid)
    mine = {"pid": os.getpid(), "cmd": holder}
    try:
        LOCKS.mkdir(parents=True, exist_ok=True)
        _acquire(mine)
    except (LockError, OSError) as error:
        print(error, flush=True)
        return
    print(HELD, flush=True)
    os.dup2(0, 1)  # the stage waits for the end of this output
    end = open_process(pid)
    while dvc and (status := read_status(pid)) and status.started == dvc.started:
        select.select([end] if end else [], [], [], None if end else POLL_SECONDS)
    with contextlib.suppress(LockError, OSError), _edit_list() as users:  # the folder may have been removed
        for name in [name for name, process in users["write"].items() if process == mine]:
            del users["write"][name]


def exists(pid: int) -> bool:
    """Return whether there is a process of that ID."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _acquire(mine: dict[str, Any]) -> None:
    """Lock NAMES; wait for whoever has locked them for up to TIMEOUT_SECONDS."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            with _edit_list() as users:
                _refuse_others(users)
                users["write"].update(dict.fromkeys(NAMES, mine))
        except LockError:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_SECONDS)
        else:
            return


@contextlib.contextmanager
def _edit_list() -> Iterator[dict[str, dict[str, Any]]]:
    """Read DVC's list of users: "write" has one for each name, "read" a list for each; write it back at the end.

    Raises:
        LockError: another process edits it.
        OSError: it is damaged.
    """
    with (LOCKS / "rwlock.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockError(f"{LOCKS / 'rwlock.lock'} is locked") from None
        path = LOCKS / "rwlock"
        users: dict[str, dict[str, Any]] = {"write": {}, "read": {}}
        try:
            users |= json.loads(path.read_bytes())
        except FileNotFoundError:
            pass
        except ValueError:
            raise OSError("Unable to read RWLock-file; to fix: dvc-guard restore") from None
        yield users
        new = LOCKS / "rwlock.new"
        new.write_text(json.dumps(users))
        new.replace(path)


def _refuse_others(users: dict[str, dict[str, Any]]) -> None:
    """Remove the users of NAMES that have ended; raise LockError for one that runs."""
    writers, readers = users["write"], users["read"]
    for name in [name for name in {**writers, **readers} if any(_overlap(name, mine) for mine in NAMES)]:
        for user in [writers.pop(name, None), *readers.pop(name, [])]:
            if user and exists(user["pid"]):
                raise LockError(f"'{name}' is busy, it is being blocked by: (PID {user['pid']}): {user['cmd']}")


def _overlap(name: str, other: str) -> bool:
    """Return whether two names are equal, or one begins with the parts of the other."""
    return f"{name}/".startswith(f"{other}/") or f"{other}/".startswith(f"{name}/")


if __name__ == "__main__":
    main()
