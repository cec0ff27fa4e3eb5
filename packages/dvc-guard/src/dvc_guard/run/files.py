"""Files of dependencies: which there are, their status, and their MD5 as DVC computes it."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from dvc_guard.errors import GuardError

DVCIGNORE = ".dvcignore"
NOT_HASHED = {".git", ".hg", ".dvc"}  # by DVC, in a folder


class Stat(NamedTuple):
    """What differs if a file was changed. The last time also differs if only its mode or number of links was."""

    inode: int
    size: int
    modified: int
    changed: int


def read_stat(path: str) -> Stat:
    """Return the status of a file."""
    stat = os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat; there may be many files
    return Stat(stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def hash_file(path: str) -> str:
    """Return the MD5 of a file."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def hash_directory(files: Mapping[str, str | None], folder: str) -> str | None:
    """Return the MD5 of a folder from those of its files, or None if one of them is not known."""
    if None in files.values():
        return None
    entries = sorted((path[len(folder) + 1 :], md5) for path, md5 in files.items())
    content = json.dumps([{"md5": md5, "relpath": path} for path, md5 in entries])
    return f"{hashlib.md5(content.encode(), usedforsecurity=False).hexdigest()}.dir"


def list_files(folder: Path, deps: Iterable[str], root: Path) -> Iterator[str]:
    """Yield the files of dependencies, whose paths start in `folder`, without what .dvcignore excludes from folders.

    Raises:
        GuardError: a dependency is a device, or the like.
    """
    for dep in deps:
        path = folder / dep
        if "://" in dep:  # data that is not here: DVC asks for its state before and after
            continue
        if path.is_dir():
            is_ignored = _read_dvcignore(root)
            for file in _walk(path):
                if not is_ignored(file):
                    yield f"{dep.rstrip('/')}/{file.relative_to(path)}"
        elif path.exists() and not path.is_file():
            raise GuardError(f"{dep}: not a regular file; to fix: dvc-guard restore")
        else:
            yield dep


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, as DVC lists them: without following links to folders."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in NOT_HASHED]
        yield from (Path(parent, name) for name in files)


def _read_dvcignore(root: Path) -> Callable[[Path], bool]:
    """Return the function that tells which files .dvcignore excludes."""
    path = root / DVCIGNORE
    lines = path.read_text().splitlines() if path.exists() else []
    if not any(line.strip() and not line.startswith("#") for line in lines):
        return lambda _: False
    from pathspec import GitIgnoreSpec

    ignored = GitIgnoreSpec.from_lines(lines)
    return lambda file: file.is_relative_to(root) and ignored.match_file(file.relative_to(root).as_posix())
