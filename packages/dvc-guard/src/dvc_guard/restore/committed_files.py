"""Files as they are in a commit, by their path relative to the current folder. The index is never touched."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from dvc_guard.git import git, read_object
from dvc_guard.restore.changes import Changes

LINK = 0o120000
SUBMODULE = 0o160000


class Blob(NamedTuple):
    """A file of a commit: its path, its mode in Git, and the hash of its content."""

    path: Path
    mode: int
    value: str

    def differs(self) -> bool:
        """Return whether the file of the workspace is missing, or has another content.

        `git status` compares size and time first, and does not notice a change of neither.
        """
        if self.mode == SUBMODULE:
            return False
        if self.mode == LINK or self.path.is_symlink():
            is_link = self.mode == LINK and self.path.is_symlink()
            return not is_link or read_object("blob", self.value) != os.fsencode(self.path.readlink())
        return not self.path.is_file() or git("hash-object", "--", str(self.path)) != self.value


def list_blobs(commit: str, paths: Iterable[Path]) -> dict[Path, Blob]:
    """Return the files of a commit that are at some paths, or in folders there."""
    names = [str(path) for path in paths]
    lines = git("ls-tree", "-r", "-z", commit, "--", *names).split("\0")[:-1] if names else []
    blobs = []
    for line in lines:
        columns, _, name = line.partition("\t")
        mode, _, value = columns.split()
        blobs.append(Blob(Path(name), int(mode, 8), value))
    return {blob.path: blob for blob in blobs}


def list_sparse_files() -> set[Path]:
    """Return the files that a sparse checkout leaves out."""
    lines = git("ls-files", "-t", "-z").split("\0")
    return {Path(line[2:]) for line in lines if line.startswith("S ")}


def check_out(changes: Changes, commit: str, path: Path) -> Path:
    """Replace a file by that of a commit, or remove it if the commit has none; return its path."""
    blob = list_blobs(commit, [path]).get(path)
    if blob is None:
        changes.move(path)
    elif blob.mode == LINK:
        changes.write(path, read_object("blob", blob.value) or b"", LINK)
    else:
        content = read_object("--filters", f"{commit}:./{path}")
        assert content is not None  # noqa: S101 - the tree names it
        changes.write(path, content, blob.mode)
    return path
