"""The dvc that runs this stage, and processes in general.

Linux shows them in /proc; the import of psutil, which other systems need, would take a seventh of a stage's budget.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from dvc_guard.errors import GuardError

USERS = Path(".dvc/tmp/rwlock")  # DVC's list of the processes that read or write the files of a stage
READ_SECONDS = 1.0


class Status(NamedTuple):
    """The parent of a process, and when it started: with its ID, that identifies it."""

    parent: int
    started: float


class Dvc(NamedTuple):
    """The dvc that runs a stage: its ID and folder; and `chain`, the IDs that this process descends from.

    They begin with the parent, and end with dvc, or with the worker of DVC's queue: the dvc of a task outlives it.
    """

    pid: int
    folder: Path
    chain: list[int]


def read_status(pid: int) -> Status | None:
    """Return the status of a process, or None if it has ended."""
    if sys.platform == "linux":
        try:
            content = Path(f"/proc/{pid}/stat").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, parent, *others = content.rpartition(b")")[2].split()  # after the name: proc_pid_stat(5)
        return None if state in {b"Z", b"X"} else Status(int(parent), int(others[17]))
    import psutil

    try:
        process = psutil.Process(pid)
        ended = process.status() == psutil.STATUS_ZOMBIE
        return None if ended else Status(process.ppid(), process.create_time())
    except psutil.NoSuchProcess:
        return None


def open_process(pid: int) -> int | None:
    """Return a file descriptor that can be read when a process ends, or None if the system has none."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return os.pidfd_open(pid)
    return None


def read_command(pid: int) -> list[str]:
    """Return the command line of a process; empty if it has ended, or is of another user."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")[:-1]
        return []
    import psutil

    command: list[str] = []
    with contextlib.suppress(psutil.Error):
        command = psutil.Process(pid).cmdline()
    return command


def read_folder(pid: int) -> Path:
    """Return the current folder of a process."""
    if sys.platform == "linux":
        return Path(f"/proc/{pid}/cwd").readlink()
    import psutil

    return Path(psutil.Process(pid).cwd())


def list_ancestors(pid: int) -> Iterator[int]:
    """Yield the IDs of the parent of a process, of its parent, and so on."""
    while (status := read_status(pid)) and status.parent:
        pid = status.parent
        yield pid


def find_root() -> Path:
    """Return the root of the DVC project around the current folder.

    Raises:
        GuardError: there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".dvc").is_dir():
            return folder
    raise GuardError(f"{here}: not in a DVC project, although DVC_STAGE is set")


def find_dvc(root: Path) -> Dvc:
    """Return the ancestor that DVC lists as a user of files.

    DVC lists none for a stage without dependencies and outputs; then the ancestor is known by its name.

    Raises:
        GuardError: there is no such ancestor, or it runs a task of a queue whose worker has ended.
    """
    ancestors = list(list_ancestors(os.getpid()))
    users = _read_users(root / USERS)
    listed = [pid for pid in ancestors if pid in users] or [pid for pid in ancestors if _is_named_dvc(pid)]
    if not listed:
        raise GuardError(f"{USERS}: parent dvc process not found; the stage ends")
    dvc = listed[0]
    chain = ancestors[: ancestors.index(dvc) + 1]
    if "exec-run" in read_command(dvc):
        worker = ancestors[len(chain)]
        if not _is_python(worker):  # but what adopts orphans
            raise GuardError("the worker of the queue has ended; the stage ends")
        chain.append(worker)
    return Dvc(dvc, read_folder(dvc), chain)


def read_lock_file(path: Path) -> dict[str, dict[str, Any]]:
    """Read DVC's list of readers and writers; empty if it is missing or damaged."""
    deadline = time.monotonic() + READ_SECONDS
    while True:
        try:
            content: dict[str, dict[str, Any]] = json.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:  # another dvc is writing it
            if time.monotonic() > deadline:
                return {}
            time.sleep(0.05)
        else:
            return content


def _read_users(path: Path) -> set[int]:
    content = read_lock_file(path)
    readers = [reader for readers in content.get("read", {}).values() for reader in readers]
    return {user["pid"] for user in (*content.get("write", {}).values(), *readers)}


def _is_named_dvc(pid: int) -> bool:
    return "dvc" in {Path(argument).name for argument in read_command(pid)[:3]}


def _is_python(pid: int) -> bool:
    return _is_named_dvc(pid) or any("python" in Path(argument).name for argument in read_command(pid)[:1])
