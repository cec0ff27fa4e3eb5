"""Lock files that killed processes of Git and DVC left. No dvc runs any more (restore.running)."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from dvc_guard.errors import GuardError
from dvc_guard.git import get_git_folder
from dvc_guard.processes import find_processes
from dvc_guard.run.dvc import USERS
from dvc_guard.run.lock_holder import LOCKS as EXPERIMENTS

READERS_AND_WRITERS = (USERS, EXPERIMENTS / "rwlock")
LOCKS = (Path(".dvc/tmp/lock"), Path(".dvc/tmp/btime"), *(Path(f"{path}.lock") for path in READERS_AND_WRITERS))


def remove_git_locks() -> Iterator[str]:
    """Remove the *.lock files in .git, unless a Git command runs in this folder."""
    folder = get_git_folder()
    locks = [*folder.glob("*.lock"), *folder.glob("refs/**/*.lock"), *folder.glob("logs/**/*.lock")]
    if locks and (running := next(find_processes(lambda process: bool(process.name() == "git")), None)):
        raise GuardError(f"Git is running (PID {running.pid}); wait for it or stop it")
    for lock in locks:
        lock.unlink()
        yield f"Removed {lock}, left by a killed process"


def remove_dvc_locks() -> Iterator[str]:
    """Remove DVC's lists of readers and writers, all of which have ended, and what is no file in place of a lock."""
    for path in (*READERS_AND_WRITERS, *LOCKS):
        is_file = path.is_file() and not path.is_symlink()
        if is_file and (path in LOCKS or _is_empty(path)):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif os.path.lexists(path):
            path.unlink()
        else:
            continue
        yield f"Removed {path}, left by a killed process"


def _is_empty(path: Path) -> bool:
    try:
        return not any(json.loads(path.read_bytes()).values())
    except (ValueError, AttributeError):
        return False
