"""Verify the hash of every object in the DVC cache that HEAD uses.

DVC does not verify read-only objects: it links or copies a damaged object into the workspace, and `dvc status` reports
"up to date". A missing object is not a failure.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dvc.repo import Repo
from rich.progress import track

from checks.objects import CachedObject, get_cached_object, read_directory_listing
from checks.project import get_path, get_workspace_root, is_in_project, note_uncommitted_changes, open_project
from checks.report import FAILED, PASSED, Result, make_console

RESTORE = "restore them with dvc repro or dvc pull"


def check(*, repair: bool) -> Result:
    """Hash all objects; with `repair`, remove damaged objects and the workspace files with the same content."""
    with open_project("HEAD") as repo:
        workspace = get_workspace_root(repo)
        notes = note_uncommitted_changes(repo)
        objects: dict[CachedObject, list[str]] = defaultdict(list)
        for cached, path in find_objects(repo):
            objects[cached].append(path)
        missing = sum(not cached.is_present for cached in objects)
        progress = track(objects.items(), "Hashing cached objects", console=make_console(stderr=True), transient=True)
        damaged = {cached: paths for cached, paths in progress if cached.is_damaged}
        if repair:
            with repo.lock:
                for cached, paths in damaged.items():
                    remove_object(cached, [workspace / path for path in paths])
    if missing:
        notes.append(f"Not checked, because missing from the cache: {missing} of {len(objects)} objects")
    listings = [path for cached, paths in damaged.items() for path in paths if cached.is_directory_listing]
    notes += [f"Not checked, because its .dir file was damaged: {path}; rerun after dvc repro" for path in listings]
    columns = ("output", "removed object" if repair else "damaged object")
    rows = [(", ".join(paths), os.path.relpath(cached.file, workspace)) for cached, paths in damaged.items()]
    if repair and damaged:
        return Result("cache", PASSED, f"damaged objects removed; {RESTORE}", columns, rows, notes)
    if damaged:
        summary = f"damaged objects found; remove them with python -m checks cache --repair, then {RESTORE}"
        return Result("cache", FAILED, summary, columns, rows, notes)
    return Result("cache", PASSED, f"{len(objects) - missing} objects match their hashes", notes=notes)


def find_objects(repo: Repo) -> Iterator[tuple[CachedObject, str]]:
    """Yield the objects of all outputs and of the files in them, each with its path relative to the project's root.

    An object is yielded once for each path.
    """
    for out in repo.index.outs:
        if not (out.use_cache and out.hash_info and is_in_project(out)):
            continue
        yield get_cached_object(out), get_path(out)
        if out.hash_info.isdir:
            with suppress(FileNotFoundError):
                for key, _, hash_info in read_directory_listing(out):
                    yield CachedObject.from_hash(hash_info, out.cache), "/".join((get_path(out), *key))


def remove_object(cached: CachedObject, copies: list[Path]) -> None:
    """Remove a damaged object, and those of `copies` with the same damaged content: links to it and copies of it."""
    damaged_hash = cached.hash(cached.file)
    for copy in copies:
        if copy.is_file() and cached.hash(copy) == damaged_hash:
            copy.unlink()
    cached.file.unlink()
