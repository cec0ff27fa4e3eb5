"""Files of a commit as Git checks them out, which are those that DVC hashes: through links, submodules and filters."""

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pygit2
from dvc.repo import Repo
from scmrepo.git.backend.pygit2 import Pygit2Object
from scmrepo.git.objects import GitTrie

from dvc_guard.errors import GuardError
from dvc_guard.git import read_object

ATTRIBUTES = ("filter", "working-tree-encoding")  # of which pygit2 applies none; line ends it converts
LFS_POINTER = b"version https://git-lfs.github.com/"
MAX_LINKS = 40  # as Linux


class OutsideError(GuardError):
    """A link leads out of the repository."""


class MissingSubmodule(Pygit2Object):
    """A submodule whose commit is not in the workspace: an empty folder."""

    mode = stat.S_IFDIR

    def scandir(self) -> Iterator[Pygit2Object]:
        """Yield nothing."""
        yield from ()


def add_submodules(files: GitTrie, root: Path) -> None:
    """Add the files of the submodules below `root` to those of a commit.

    pygit2 takes a submodule for a file, and waits forever when it reads one.
    """
    for key, entry in files.trie.items():
        if entry.issubmodule:
            folder = root.joinpath(*key)
            try:
                tree = pygit2.Repository(str(folder))[entry.sha].peel(pygit2.Tree)
            except (pygit2.GitError, KeyError):
                files.trie[key] = MissingSubmodule(entry.obj)
                continue
            submodule = GitTrie(Pygit2Object(tree), entry.sha)
            add_submodules(submodule, folder)
            for inner, file in submodule.trie.items():
                files.trie[(*key, *inner)] = file


def follow_links(repo: Repo, path: str) -> str:
    """Return the path to which a path of a commit leads through links. There may be nothing, as in a clone.

    Raises:
        OutsideError: It leads out of the repository.
        GuardError: It is in a submodule that is not checked out.
    """
    files, root, links = repo.fs.fs.trie.trie, repo.scm.root_dir, 0
    key: tuple[str, ...] = ()
    parts = path.split("/")
    while parts:
        name = parts.pop(0)
        if name in ("", "."):
            continue
        key = (*key, name)
        entry = files.get(key)
        if isinstance(entry, MissingSubmodule):
            where = "/".join(key)
            raise GuardError(f"the submodule {where} is not checked out; run git submodule update --init {where}", 2)
        if entry and stat.S_ISLNK(entry.mode):
            links += 1
            target = entry.obj.data.decode(errors="surrogateescape")
            inside = os.path.relpath(Path(root, *key[:-1], target), root)
            if inside.startswith("..") or links > MAX_LINKS:
                raise OutsideError(f"the link {'/'.join(key)} leads out of the repository, to {target}")
            key, parts = (), inside.split("/") + parts
    return "/".join(("", *key))


def open_file(repo: Repo, path: str) -> BinaryIO:
    """Open a file of a commit with the content that Git checks out.

    Raises:
        GuardError: Git LFS has not fetched the content, or a filter failed.
    """
    name = path.strip("/")
    is_filtered = any(isinstance(repo.scm.pygit2.repo.get_attr(name, each), str) for each in ATTRIBUTES)
    if is_filtered and repo.fs.fs.trie.trie[tuple(name.split("/"))].backend:  # those of a submodule have none
        content = read_object("--filters", f"{repo.fs.rev}:{name}")
        if content is None:
            raise GuardError(f"git cat-file --filters HEAD:{name} failed", 2)
        if content.startswith(LFS_POINTER):
            raise GuardError("Git LFS has not fetched its content; run git lfs pull", 2)
        return io.BytesIO(content)
    stream: BinaryIO = repo.fs.open(path, "rb")
    return stream
