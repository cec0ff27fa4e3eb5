"""Hashes and sizes of files at a commit, from Git or dvc.lock, without pulled data."""

from dvc.output import Output
from dvc.repo import Repo
from dvc_data.hashfile.hash import hash_file
from dvc_data.hashfile.tree import Tree

from checks.objects import get_cached_object, read_directory_listing


def get_hash(file: Output) -> str | None:
    """Return the hash of a file or directory: that in dvc.lock if it is a cached output, else that of the commit.

    Returns None if the commit does not have it.

    Raises:
        FileNotFoundError: The `.dir` file that is needed is missing from the cache or damaged.
    """
    fs, path = file.repo.fs, file.fs_path
    out = find_cached_output(file)
    if out:
        tree = read_directory_listing(out) if path != out.fs_path else None
        found = tree.get_obj(out.cache, fs.relparts(path, out.fs_path)) if tree else out
        return str(found.hash_info.value) if found else None
    if fs.isfile(path):
        return str(hash_file(path, fs, file.hash_name)[1].value)
    tree = build_tree(file)
    return str(tree.hash_info.value) if len(tree) else None


def has_size_mismatch(file: Output) -> bool:
    """Compare a file's size in dvc.lock with the commit or, for a cached output, with the undamaged cache object.

    Directories and files missing from both never mismatch.
    """
    fs, path = file.repo.fs, file.fs_path
    if file.hash_info.isdir:
        return False
    out = find_cached_output(file)
    if not out:
        return bool(fs.isfile(path) and fs.size(path) != file.meta.size)
    cached = get_cached_object(out)
    differs = path == out.fs_path and cached.is_present and cached.file.stat().st_size != file.meta.size
    return differs and not cached.is_damaged  # hash the object only if the sizes differ


def find_cached_output(file: Output) -> Output | None:
    """Return the cached output that is this file or a directory that contains it."""
    outs = get_cached_outputs(file.repo)
    return next((out for out in outs if file.repo.fs.isin_or_eq(file.fs_path, out.fs_path)), None)


def get_cached_outputs(repo: Repo) -> list[Output]:
    """Return the outputs without `cache: false` that have a hash, including those of `dvc add`."""
    return [out for out in repo.index.outs if out.use_cache and out.hash_info]


def build_tree(directory: Output) -> Tree:
    """Build the listing of a directory as DVC does: files not in .dvcignore, and the cached outputs in it.

    Raises:
        FileNotFoundError: The `.dir` file of an output in it is missing from the cache or damaged.
    """
    repo, fs, path = directory.repo, directory.repo.fs, directory.fs_path
    tree = Tree()
    for parent, _, names in repo.dvcignore.walk(fs, path):
        for name in names:
            file = fs.join(parent, name)
            tree.add(fs.relparts(file, path), *hash_file(file, fs, directory.hash_name))
    for out in get_cached_outputs(repo):
        if fs.isin(out.fs_path, path):
            entries = read_directory_listing(out) if out.hash_info.isdir else [((), out.meta, out.hash_info)]
            for key, meta, hash_info in entries:
                tree.add((*fs.relparts(out.fs_path, path), *key), meta, hash_info)
    tree.digest()
    return tree
