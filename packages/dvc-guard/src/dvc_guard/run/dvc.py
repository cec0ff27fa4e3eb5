"""The dvc that runs this stage, and its project."""

import json
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

from dvc_guard.errors import GuardError
from dvc_guard.run.process import list_ancestors, read_command, read_folder

USERS = Path(".dvc/tmp/rwlock")  # DVC's list of the processes that read or write the files of a stage
READ_SECONDS = 1.0


class Dvc(NamedTuple):
    """The dvc that runs a stage: its ID and folder; and `chain`, the IDs that this process descends from.

    They begin with the parent, and end with dvc, or with the worker of DVC's queue: the dvc of a task outlives it.
    """

    pid: int
    folder: Path
    chain: list[int]


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
