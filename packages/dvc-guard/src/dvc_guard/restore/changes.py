"""The one place through which restore changes anything: what is about to change is saved first, never deleted.

A backup is the folder .dvc/tmp/restore/TIME, with what was moved there and a journal of all changes, and the commit
refs/dvc-guard/restore/TIME, with the tracked and untracked files; its parents keep the index and removed refs.
"""

import json
import os
import shutil
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from pathlib import Path

from dvc_guard.git import get_git_path, git, try_git
from dvc_guard.restore.backup_commit import commit_working_tree

BACKUPS = Path(".dvc/tmp/restore")
REFS = "refs/dvc-guard/restore"
JOURNAL = "journal"
FINISHED = "finished"


class Changes:
    """Changes of files, of refs and of the index of Git, each of which `undo` can bring back."""

    def __init__(self, *, dry_run: bool = False, suffix: str = "") -> None:
        """With `dry_run`, change nothing. The suffix is for the name of the backup, which the first change creates."""
        self.dry_run = dry_run
        self.name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}{suffix}"

    @cached_property
    def folder(self) -> Path:
        """The backup."""
        folder = BACKUPS / self.name
        folder.mkdir(parents=True)
        git("update-ref", f"{REFS}/{self.name}", commit_working_tree(folder))
        return folder

    @property
    def have_begun(self) -> bool:
        """Whether anything has changed."""
        return "folder" in self.__dict__

    def finish(self) -> None:
        """Mark the backup as that of a restore that ended."""
        if self.have_begun:
            (self.folder / FINISHED).touch()

    def move(self, path: Path) -> None:
        """Move a file, link or folder to the backup, or note that there is none: the caller creates another."""
        if self.dry_run:
            return
        if os.path.lexists(path):
            saved = self._locate(path)
            self._note(path=str(path), moved=str(saved.relative_to(self.folder)))
            saved.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.rename(saved)
            except OSError:  # another file system
                unfinished = saved.with_name(f"{saved.name}.unfinished")
                shutil.move(path, unfinished)
                unfinished.rename(saved)
        else:
            while not os.path.lexists(path.parent):
                path = path.parent
            if not path.parent.is_dir():
                self.move(path.parent)
            self._note(path=str(path), moved=None)

    def write(self, path: Path, content: bytes, mode: int = 0o644) -> None:
        """Replace whatever is at a path by a file; with the mode 0o120000 of Git, by a link."""
        if self.dry_run:
            return
        self.move(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = self.folder / "new"
        new.unlink(missing_ok=True)
        if mode == 0o120000:
            new.symlink_to(os.fsdecode(content))
        else:
            new.write_bytes(content)
            new.chmod(mode & 0o777)
        shutil.move(new, path)

    def keep(self, path: Path) -> None:
        """Copy a file of Git to the backup: the caller lets Git change it."""
        if self.dry_run or not path.exists():
            return
        saved = self._locate(path)
        saved.parent.mkdir(parents=True, exist_ok=True)
        unfinished = saved.with_name(f"{saved.name}.unfinished")
        shutil.copy2(path, unfinished)
        unfinished.rename(saved)
        self._note(path=str(path), kept=str(saved.relative_to(self.folder)))

    def set_ref(self, ref: str, value: str | None) -> None:
        """Set a ref to an object or, as `ref: NAME`, to another ref; None deletes it, with its log."""
        if self.dry_run:
            return
        self.keep(get_git_path(f"logs/{ref}"))
        self._note(ref=ref, old=read_ref(ref))
        write_ref(ref, value)

    def drop_stash(self, number: int) -> None:
        """Drop an entry of the stash."""
        if self.dry_run:
            return
        commit, _, message = git("log", "-1", "--walk-reflogs", "--format=%H %gs", f"stash@{{{number}}}").partition(" ")
        self._note(stash=commit, message=message)
        git("stash", "drop", "--quiet", f"stash@{{{number}}}")

    def _locate(self, path: Path) -> Path:
        """Return where to save a path: a place of its own, not below a link that was saved before."""
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 - a link is saved, not its target
        in_project = absolute.is_relative_to(Path.cwd())
        relative = absolute.relative_to(Path.cwd() if in_project else "/")
        for number in count(1):
            parts = Path("files" if in_project else "outside") / ("" if number == 1 else f"again-{number}") / relative
            parents = [self.folder / parent for parent in parts.parents]
            if not os.path.lexists(self.folder / parts) and not any(
                parent.is_symlink() or parent.is_file() for parent in parents
            ):
                return self.folder / parts
        raise AssertionError

    def _note(self, **entry: str | None) -> None:
        with (self.folder / JOURNAL).open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(entry) + "\n")


def read_ref(ref: str) -> str | None:
    """Return the object of a ref, `ref: NAME` if it is symbolic, or None if there is none."""
    target = try_git("symbolic-ref", "--quiet", ref)
    return f"ref: {target}" if target else try_git("rev-parse", "--verify", "--quiet", ref)


def write_ref(ref: str, value: str | None) -> None:
    """Set a ref to what `read_ref` returned."""
    if value is None:
        git("update-ref", "--no-deref", "-d", ref)
    elif value.startswith("ref: "):
        git("symbolic-ref", "-m", "dvc-guard restore", ref, value.removeprefix("ref: "))
    else:
        git("update-ref", "--no-deref", "-m", "dvc-guard restore", ref, value)
