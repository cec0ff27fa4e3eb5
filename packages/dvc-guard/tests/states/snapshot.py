"""A hash of everything in a project: each file, tracked or not, the index, HEAD, the refs and the stash of Git."""

import hashlib
import os
import stat
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

BACKUPS = Path(".dvc/tmp/restore")
# What DVC and Git rewrite whenever they run, and that has no content of anyone's.
SCRATCH = {".dvc/tmp/lock", ".dvc/tmp/btime", ".dvc/tmp/rwlock.lock", ".dvc/tmp/exps/rwlock.lock"}
LISTS_OF_LOCKS = {".dvc/tmp/rwlock", ".dvc/tmp/exps/rwlock"}  # if none is listed
NOT_HASHED = {"objects", "logs", "refs", "packed-refs", "hooks"}  # refs are listed instead


class Snapshot(NamedTuple):
    """What there was at one moment. A file's value is its mode and the hash of its content, or the target of a link."""

    files: dict[str, tuple[int, str]]
    refs: dict[str, str]
    stash: list[str]


def take() -> Snapshot:
    """Take a snapshot of the repository of the current folder."""
    root = Path(git("rev-parse", "--show-toplevel").strip() or ".")
    files = {os.path.relpath(path): read(path) for path in walk(root)}
    for folder in {git("rev-parse", kind).strip() for kind in ("--absolute-git-dir", "--git-common-dir")} - {""}:
        files |= {os.path.relpath(path): read(path) for path in walk(Path(folder), NOT_HASHED)}
    lines = git("for-each-ref", "--format=%(refname) %(objectname) %(symref)").splitlines()
    refs = {name: value for name, _, value in (line.partition(" ") for line in lines)}
    refs = {name: value for name, value in refs.items() if not name.startswith("refs/dvc-guard/")}
    return Snapshot(files, refs, git("log", "--walk-reflogs", "--format=%H %gs", "refs/stash").splitlines())


def walk(folder: Path, excluded: set[str] = frozenset({".git"})) -> Iterator[Path]:  # type: ignore[assignment]
    """Yield all files and links below a folder."""
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in excluded]
        links = [name for name in folders if Path(path, name).is_symlink()]
        for file in (Path(path, name) for name in (*files, *links)):
            name = os.path.relpath(file)
            is_scratch = name in SCRATCH or (name in LISTS_OF_LOCKS and b"pid" not in file.read_bytes())
            if not is_scratch and not Path(name).is_relative_to(BACKUPS) and file.name not in excluded:
                yield file


def read(path: Path) -> tuple[int, str]:
    """Return the mode and the hash of a file or link."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return status.st_mode, str(path.readlink())
    content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
    return status.st_mode, hash_content(content)


def list_saved(folders: Iterable[Path] = (BACKUPS,), refs: str = "--glob=refs/dvc-guard/*") -> set[str]:
    """Hash all that some folders and the commits of some refs have, by default those of the backups."""
    files = (path for folder in folders for path in folder.rglob("*"))
    saved = {read(path)[1] for path in files if path.is_symlink() or path.is_file()}
    objects = git("rev-list", "--objects", refs, "--no-object-names").split()
    for content in read_blobs(objects).values():
        saved |= {hash_content(content), os.fsdecode(content)}  # the target of a link
    return saved


def read_blobs(names: Iterable[str]) -> dict[str, bytes]:
    """Return the content of those objects of Git that are blobs, by name."""
    blobs = {}
    batch = subprocess.Popen(
        ["git", "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with batch, batch.stdin as stdin, batch.stdout as stdout:  # type: ignore[union-attr]
        for name in names:
            stdin.write(f"{name}\n".encode())
            stdin.flush()
            _, kind, size = stdout.readline().split()
            content = stdout.read(int(size) + 1)[:-1]
            if kind == b"blob":
                blobs[name] = content
    return blobs


def hash_content(content: bytes) -> str:
    """Return the hash by which contents are compared."""
    return hashlib.sha256(content).hexdigest()


def list_lost(before: Snapshot, after: Snapshot, saved: set[str] | None = None) -> list[str]:
    """List what there was before and is neither in place nor `saved`, by default in a backup."""
    saved = list_saved() if saved is None else saved
    kept = set(git("rev-list", "--glob=refs/dvc-guard/*", "--all", "--reflog").split())
    moved = {path: value for path, (_, value) in before.files.items() if after.files.get(path, (0, ""))[1] != value}
    lost = [path for path, value in moved.items() if value not in saved]
    lost += [ref for ref, value in before.refs.items() if after.refs.get(ref) != value and value.split()[0] not in kept]
    return lost + [entry for entry in before.stash if entry not in after.stash and entry.split()[0] not in kept]


def compare(before: Snapshot, after: Snapshot) -> list[str]:
    """List all that differs."""
    files = [path for path in before.files | after.files if before.files.get(path) != after.files.get(path)]
    refs = [ref for ref in before.refs | after.refs if before.refs.get(ref) != after.refs.get(ref)]
    return files + refs + (["the stash"] if before.stash != after.stash else [])


def git(*arguments: str) -> str:
    """Return what a Git command prints; nothing if it fails."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    return subprocess.run(
        ["git", *arguments], capture_output=True, text=True, errors="surrogateescape", check=False, env=environment
    ).stdout
