"""Hashes and sizes of files at a commit, from Git or dvc.lock, without pulled data."""

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from dvc.output import Output
from dvc.repo import Repo
from dvc.repo.index import Index
from dvc_data.hashfile.hash import get_hash_stream
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.meta import Meta
from dvc_data.hashfile.tree import Tree

from dvc_guard.commit_files import follow_links, open_file
from dvc_guard.objects import CachedObject, get_cached_object, read_directory_listing
from dvc_guard.project import NotInCacheError, get_path, get_workspace_root

LEGACY_HASH = "md5-dos2unix"  # of DVC before 3.0: of text files with LF line ends, whatever those of the file
CHUNK = 2**20


class Content(NamedTuple):
    """The hash of a file or folder, and the size of a file; None if it is not known."""

    hash: str
    size: int | None = None


def read_content(file: Output) -> Content | None:
    """Read the content of a dependency or output: from dvc.lock if it is in DVC's cache, else from the commit.

    Returns None if the commit does not have it.

    Raises:
        NotInCacheError: The `.dir` file that is needed is missing from the cache or damaged.
        OutsideError, GuardError: see `follow_links` and `open_file`.
    """
    repo, path = file.repo, file.fs_path
    if not find_cached_output(repo, path):
        path = follow_links(repo, path)
    if find_cached_output(repo, path) or repo.fs.isfile(path):
        return read_file(file, path)
    tree = build_tree(file, path)
    if len(tree):
        return Content(str(tree.hash_info.value))
    out = find_output(repo, path)  # with cache: false, and not in Git
    return (
        Content(str(out.hash_info.value)) if out and out is not file and out.fs_path == path and out.hash_info else None
    )


def read_file(file: Output, path: str) -> Content | None:
    """Read a file at a path without links, with the hash algorithm of `file`; None if there is none."""
    out = find_cached_output(file.repo, path)
    if out and path == out.fs_path:
        return Content(str(out.hash_info.value), get_cached_size(out, file.meta.size))
    if out:
        found = find_in_listing(out, path)
        return Content(str(found.value)) if found else None
    if not file.repo.fs.isfile(path):
        return None
    with open_file(file.repo, path) as content:
        stream = get_hash_stream(content, name=file.hash_name)
        while stream.read(CHUNK):
            pass
    return Content(stream.hash_value, stream.total_read)


def get_cached_size(out: Output, expected: int | None) -> int | None:
    """Return the size of an output in the cache; None if it is a directory, missing or damaged."""
    cached = get_cached_object(out)
    if out.hash_info.isdir or not cached.is_present:
        return None
    size = cached.file.stat().st_size
    return None if size != expected and cached.is_damaged else size  # hash it only if the sizes differ


def find_unpulled_output(repo: Repo, path: str) -> Output | None:
    """Return the cached output that is or contains a file, if the file's content is missing from the cache."""
    out = find_cached_output(repo, path)
    if not out:
        return None
    try:
        found = find_in_listing(out, path) if path != out.fs_path else out.hash_info
    except NotInCacheError:
        return out
    return out if found and not CachedObject.from_hash(found, out.cache).is_present else None


def is_ignored_output(file: Output) -> bool:
    """Return whether a file is an output, or in one, that Git ignores: `cache: false` with an entry in .gitignore."""
    scm, path = file.repo.scm, str(get_workspace_root(file.repo) / get_path(file))
    return bool(find_output(file.repo, file.fs_path)) and (scm.is_ignored(path) or scm.is_ignored(f"{path}{os.sep}"))


def find_cached_output(repo: Repo, path: str) -> Output | None:
    """Return the output in DVC's cache that is this file or a directory that contains it."""
    out = find_output(repo, path)
    return out if out and out.use_cache and out.hash_info else None


def find_output(repo: Repo, path: str) -> Output | None:
    """Return the output of a stage or of `dvc add` that is this file or a directory that contains it."""
    outs = index_outputs(repo.index)
    while path not in outs:
        parent = repo.fs.parent(path)
        if parent in (path, ""):
            return None
        path = parent
    return outs[path]


@lru_cache(maxsize=4)
def index_outputs(index: Index) -> Mapping[str, Output]:
    """Return all outputs, including those of `dvc add`, by path."""
    return {out.fs_path: out for out in index.outs}


def find_in_listing(out: Output, path: str) -> HashInfo | None:
    """Return the hash of a file or subdirectory of a cached directory, or None if it is not in it."""
    found = read_listing(out).get_obj(out.cache, out.repo.fs.relparts(path, out.fs_path))
    return found.hash_info if found else None


def read_listing(out: Output) -> Tree:
    """Read the `.dir` file of a cached directory.

    Raises:
        NotInCacheError: It is missing from the cache or damaged.
    """
    try:
        return read_directory_listing(out)
    except FileNotFoundError:
        raise NotInCacheError(out) from None


def build_tree(directory: Output, path: str) -> Tree:
    """Build the listing of a directory as DVC does: files not in .dvcignore, and the cached outputs in it.

    Raises:
        NotInCacheError: The `.dir` file of an output in it is missing from the cache or damaged.
        OutsideError, GuardError: see `follow_links` and `open_file`.
    """
    repo, fs = directory.repo, directory.repo.fs
    tree = Tree()
    for parent, _, names in repo.dvcignore.walk(fs, path):
        follow_links(repo, parent)  # raises an error if it is a submodule that is not checked out
        for name in names:
            file = fs.join(parent, name)
            content = read_file(directory, follow_links(repo, file))
            if content and not content.hash.endswith(".dir"):  # DVC ignores links to directories
                tree.add(fs.relparts(file, path), Meta(), HashInfo(directory.hash_name, content.hash))
    for out in index_outputs(repo.index).values():
        if out.use_cache and out.hash_info and fs.isin(out.fs_path, path):
            entries = read_listing(out) if out.hash_info.isdir else [((), out.meta, out.hash_info)]
            for key, meta, hash_info in entries:
                tree.add((*fs.relparts(out.fs_path, path), *key), meta, hash_info)
    tree.digest()
    return tree
