"""Hashes and sizes of files at a commit, from Git or dvc.lock, without pulled data."""

import os
from collections.abc import Mapping
from functools import lru_cache

from dvc.output import Output
from dvc.repo import Repo
from dvc.repo.index import Index
from dvc_data.hashfile.hash import hash_file
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree

from dvc_guard.objects import CachedObject, get_cached_object, read_directory_listing
from dvc_guard.project import NotInCacheError, get_path, get_workspace_root

LEGACY_HASH = "md5-dos2unix"  # of DVC before 3.0: of text files with LF line ends, whatever those of the file


def get_hash(file: Output) -> str | None:
    """Return the hash of a file or directory: that in dvc.lock if it is a cached output, else that of the commit.

    Returns None if the commit does not have it.

    Raises:
        NotInCacheError: The `.dir` file that is needed is missing from the cache or damaged.
    """
    fs, path = file.repo.fs, file.fs_path
    out = find_cached_output(file.repo, path)
    if out:
        found = find_in_listing(out, path) if path != out.fs_path else out.hash_info
        return str(found.value) if found else None
    if fs.isfile(path):
        return str(hash_file(path, fs, file.hash_name)[1].value)
    tree = build_tree(file)
    if len(tree):
        return str(tree.hash_info.value)
    out = find_output(file.repo, path)  # with cache: false, and not in Git
    return str(out.hash_info.value) if out and out is not file and out.fs_path == path and out.hash_info else None


def has_size_mismatch(file: Output) -> bool:
    """Compare a file's size in dvc.lock with the commit or, for a cached output, with the undamaged cache object.

    Directories and files missing from both never mismatch.
    """
    fs, path = file.repo.fs, file.fs_path
    if file.hash_info.isdir:
        return False
    out = find_cached_output(file.repo, path)
    if not out:
        return bool(fs.isfile(path) and fs.size(path) != file.meta.size)
    cached = get_cached_object(out)
    differs = path == out.fs_path and cached.is_present and cached.file.stat().st_size != file.meta.size
    return differs and not cached.is_damaged  # hash the object only if the sizes differ


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


def build_tree(directory: Output) -> Tree:
    """Build the listing of a directory as DVC does: files not in .dvcignore, and the cached outputs in it.

    Raises:
        NotInCacheError: The `.dir` file of an output in it is missing from the cache or damaged.
    """
    repo, fs, path = directory.repo, directory.repo.fs, directory.fs_path
    tree = Tree()
    for parent, _, names in repo.dvcignore.walk(fs, path):
        for name in names:
            file = fs.join(parent, name)
            tree.add(fs.relparts(file, path), *hash_file(file, fs, directory.hash_name))
    for out in index_outputs(repo.index).values():
        if out.use_cache and out.hash_info and fs.isin(out.fs_path, path):
            entries = read_listing(out) if out.hash_info.isdir else [((), out.meta, out.hash_info)]
            for key, meta, hash_info in entries:
                tree.add((*fs.relparts(out.fs_path, path), *key), meta, hash_info)
    tree.digest()
    return tree
