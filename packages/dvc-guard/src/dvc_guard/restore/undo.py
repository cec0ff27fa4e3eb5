"""Bring back what the last restore has changed; what lies there now is saved in the same way."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from dvc_guard.errors import GuardError
from dvc_guard.git import git, try_git
from dvc_guard.restore.changes import BACKUPS, FINISHED, JOURNAL, Changes

SUFFIX = "-undo"
UNDONE = "undone"


def undo(changes: Changes) -> Iterator[str]:
    """Undo the last restore that was not undone, and the killed ones before it.

    A killed undo goes on where it was: each entry of the journal has an effect only once.
    """
    backups = [folder for folder in sorted(BACKUPS.glob(f"*/{JOURNAL}"), reverse=True) if _is_open(folder.parent)]
    if not backups:
        raise GuardError("there is no restore to undo")
    for number, journal in enumerate(backups):
        if number and (journal.parent / FINISHED).exists():
            return
        for line in reversed(journal.read_text(encoding="utf-8").splitlines()):
            with suppress(json.JSONDecodeError):  # killed while it noted a change, which it did not make
                _revert(json.loads(line), journal.parent, changes)
        (journal.parent / UNDONE).touch()
        yield f"Undid the restore of {journal.parent.name}"


def _is_open(backup: Path) -> bool:
    return not backup.name.endswith(SUFFIX) and not (backup / UNDONE).exists()


def _revert(entry: dict[str, Any], backup: Path, changes: Changes) -> None:
    if "stash" in entry:
        if entry["stash"] not in (try_git("log", "--walk-reflogs", "--format=%H", "refs/stash") or ""):
            git("stash", "store", "--message", entry["message"], entry["stash"])
        return
    if "ref" in entry:
        changes.set_ref(entry["ref"], entry["old"])
        return
    path = Path(entry["path"])
    if "kept" in entry:
        _put_back(backup / entry["kept"], path, changes, atomic=True)
    elif entry["moved"] is not None:
        _put_back(backup / entry["moved"], path, changes, atomic=False)
    elif os.path.lexists(path):
        changes.move(path)


def _put_back(saved: Path, path: Path, changes: Changes, *, atomic: bool) -> None:
    if not os.path.lexists(saved):
        return
    if atomic:
        changes.keep(path)
    else:
        changes.move(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(saved, path)
