"""Processes.

Linux shows them in /proc; the import of psutil, which other systems need, would take a seventh of a stage's budget.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple


class Status(NamedTuple):
    """The parent of a process, and when it started: with its ID, that identifies it."""

    parent: int
    started: float


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


def is_intact(chain: list[int]) -> bool:
    """Return whether this process is still a child of the first process of a chain, that one of the next, and so on."""
    return os.getppid() == chain[0] and all(
        (status := read_status(pid)) is not None and status.parent == parent for pid, parent in pairwise(chain)
    )
