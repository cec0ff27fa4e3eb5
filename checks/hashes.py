"""Hashes and sizes of what a commit has: code from Git, and outputs as dvc.lock says, without the data."""

from dvc.output import Output
from dvc.repo import Repo
from dvc_data.hashfile.hash import hash_file
from dvc_data.hashfile.tree import Tree

from checks.objects import listing_of, object_of


def hash_of(file: Output) -> str | None:
    """Hash what the commit has at the path of `file`; of an output, give the hash that dvc.lock has.

    Raises:
        FileNotFoundError: this takes the listing of a folder that is not in the cache, or is damaged there.
    """
    fs, path = file.repo.fs, file.fs_path
    out = output_with(file)
    if out:
        tree = listing_of(out) if path != out.fs_path else None
        found = tree.get_obj(out.cache, fs.relparts(path, out.fs_path)) if tree else out
        return str(found.hash_info.value) if found else None
    if fs.isfile(path):
        return str(hash_file(path, fs, file.hash_name)[1].value)
    tree = tree_of(file)
    return str(tree.hash_info.value) if len(tree) else None


def has_other_size(file: Output) -> bool:
    """Tell whether a single file has another size, in the commit or undamaged in the cache, than dvc.lock says."""
    fs, path = file.repo.fs, file.fs_path
    if file.hash_info.isdir:
        return False
    out = output_with(file)
    if not out:
        return bool(fs.isfile(path) and fs.size(path) != file.meta.size)
    cached = object_of(out)
    differs = path == out.fs_path and cached.is_present and cached.file.stat().st_size != file.meta.size
    return differs and not cached.is_damaged  # hashed only where that decides


def output_with(file: Output) -> Output | None:
    """Find the output that DVC keeps which is this file, or the folder that has it."""
    outs = cached_outputs(file.repo)
    return next((out for out in outs if file.repo.fs.isin_or_eq(file.fs_path, out.fs_path)), None)


def cached_outputs(repo: Repo) -> list[Output]:
    """List the outputs that DVC keeps, those of `dvc add` too."""
    return [out for out in repo.index.outs if out.use_cache and out.hash_info]


def tree_of(folder: Output) -> Tree:
    """List a folder as DVC does: the files that .dvcignore leaves of it, and the outputs in it."""
    repo, fs, path = folder.repo, folder.repo.fs, folder.fs_path
    tree = Tree()
    for place, _, names in repo.dvcignore.walk(fs, path):
        for name in names:
            file = fs.join(place, name)
            tree.add(fs.relparts(file, path), *hash_file(file, fs, folder.hash_name))
    for out in cached_outputs(repo):
        if fs.isin(out.fs_path, path):
            inner = listing_of(out) if out.hash_info.isdir else [((), out.meta, out.hash_info)]
            for key, meta, hash_info in inner:
                tree.add((*fs.relparts(out.fs_path, path), *key), meta, hash_info)
    tree.digest()
    return tree
