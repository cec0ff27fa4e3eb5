"""The folder in which a stage saves what it needs to resume, if it is killed, interrupted or fails.

Its name is a hash of all that DVC records of the stage: with another parameter, it is another folder. It is in the
project that runs of `--temp` and of the queue, and clones within `.dvc/tmp`, belong to.
"""

import fcntl
import hashlib
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

from dvc_guard.errors import GuardError
from dvc_guard.run.inputs import Inputs

VARIABLE = "DVC_GUARD_RESUME"
FOLDERS = Path(".dvc/tmp/guard/resume")
MAX_BYTES = 1_000_000_000  # of all folders; the oldest are removed
MAX_SECONDS = 14 * 24 * 60 * 60  # since the last change
LOCK_SECONDS = 5.0  # within it, a killed run has ended


def set_folder(root: Path, inputs: Inputs, command: list[str]) -> Path | None:
    """Set VARIABLE to the folder of a command, locked until this process and its forks end, and return it.

    Return None, and say why, if there can be none: the command runs all the same.
    """
    file = inputs.pipeline.lock_file.relative_to(root)
    folders = find_project(root) / FOLDERS
    try:
        content = repr([str(file), inputs.pipeline.name, command, inputs.identify()])
        folder = folders / hashlib.sha256(content.encode()).hexdigest()[:32]
        _wait_for_lock(folder)
        with suppress(FileNotFoundError):  # others remove folders, too
            _remove_old(folders, folder)
    except (GuardError, OSError) as error:
        with suppress(OSError):
            print(f"warning: {VARIABLE} is not set: {error}", file=sys.stderr, flush=True)
        return None
    os.environ[VARIABLE] = str(folder)
    return folder


def remove_folder(folder: Path | None) -> None:
    """Remove the folder of a stage that has ended well."""
    if folder:
        shutil.rmtree(folder, ignore_errors=True)


def has_saved(root: Path) -> bool:
    """Return whether a stage that has not succeeded has saved something."""
    return any((find_project(root) / FOLDERS).glob("*/*"))


def find_project(root: Path) -> Path:
    """Return the project in whose .dvc/tmp a project is, or the project itself."""
    path, separator, _ = str(root).partition("/.dvc/tmp/")
    return Path(path) if separator else root


def _wait_for_lock(folder: Path) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while not _lock(folder):
        if time.monotonic() > deadline:
            raise GuardError(f"{folder}: another run of the same stage uses it")
        time.sleep(0.05)


def _lock(folder: Path) -> bool:
    """Create and lock a folder until this process and its forks end; return whether it could be locked."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), folder.stat()):  # else the other run has removed it
            return True
    os.close(descriptor)
    return False


def _remove_old(folders: Path, current: Path) -> None:
    """Remove the oldest folders past the limits, except the current one and those that other runs use."""
    total = 0
    for changed, size, folder in sorted(map(_measure, filter(Path.is_dir, folders.iterdir())), reverse=True):
        total += size
        is_old = total > MAX_BYTES or time.time() - changed > MAX_SECONDS
        if is_old and folder != current and _lock(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path) -> tuple[float, int, Path]:
    """Return when a folder was changed, its size in bytes, and the folder."""
    stats = [path.lstat() for path in (folder, *folder.rglob("*"))]
    return max(stat.st_mtime for stat in stats), sum(stat.st_size for stat in stats), folder
