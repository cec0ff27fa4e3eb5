"""Lock files that killed processes of Git and DVC left. No dvc runs any more (restore.refuse)."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from dvc_guard.errors import GuardError
from dvc_guard.git import get_git_path, list_worktrees
from dvc_guard.processes import find_processes
from dvc_guard.restore.changes import Changes
from dvc_guard.run.dvc import USERS
from dvc_guard.run.lock_holder import LOCKS as EXPERIMENTS

READERS_AND_WRITERS = (USERS, EXPERIMENTS / "rwlock")
LOCKS = (Path(".dvc/tmp/lock"), Path(".dvc/tmp/btime"), *(Path(f"{path}.lock") for path in READERS_AND_WRITERS))


def remove_git_locks(changes: Changes) -> Iterator[str]:
    """Remove the *.lock files in .git, unless a Git command runs in a worktree of the repository."""
    locks = {path for name in ("HEAD", "packed-refs") for path in get_git_path(name).parent.glob("*.lock")}
    locks |= {path for name in ("refs", "logs") for path in get_git_path(name).rglob("*.lock")}
    running = find_processes(lambda process: bool(process.name() == "git"), list_worktrees()) if locks else iter(())
    if process := next(running, None):
        raise GuardError(f"Git is running (PID {process.pid}); wait for it or stop it")
    for lock in sorted(locks):
        changes.move(lock)
        yield f"Removed {lock}, left by a killed process"


def remove_dvc_locks(changes: Changes) -> Iterator[str]:
    """Remove DVC's lists of readers and writers, all of which have ended, and what is no file in place of a lock."""
    for path in (*READERS_AND_WRITERS, *LOCKS):
        is_file = path.is_file() and not path.is_symlink()
        if not os.path.lexists(path) or (is_file and (path in LOCKS or _is_empty(path))):
            continue
        changes.move(path)
        yield f"Removed {path}, left by a killed process"


def _is_empty(path: Path) -> bool:
    try:
        return not any(json.loads(path.read_bytes()).values())
    except (ValueError, AttributeError):
        return False
