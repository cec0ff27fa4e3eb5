"""Check that every object of DVC's cache that HEAD names is what its name says.

DVC takes a read-only object for good: it links or copies a damaged one into the workspace, and says "up to date". Here
each is hashed. One that is merely not in the cache is no fault.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dvc.repo import Repo
from rich.progress import track

from checks.objects import CachedObject, listing_of, object_of
from checks.project import is_inside, note_uncommitted, path_of, project_at, workspace_of
from checks.report import FAILS, HOLDS, Result, make_console

ANEW = "dvc repro makes anew what is gone, or dvc pull fetches it"


def check(*, repair: bool) -> Result:
    """Hash all objects; with `repair`, remove the damaged ones and what the workspace has of them."""
    with project_at("HEAD") as repo:
        workspace = workspace_of(repo)
        notes = note_uncommitted(repo)
        objects: dict[CachedObject, list[str]] = defaultdict(list)
        for cached, path in named_objects(repo):
            objects[cached].append(path)
        absent = sum(not cached.is_present for cached in objects)
        progress = track(objects.items(), "Hashing the cache", console=make_console(stderr=True), transient=True)
        damaged = {cached: paths for cached, paths in progress if cached.is_damaged}
        if repair:
            with repo.lock:
                for cached, paths in damaged.items():
                    remove(cached, [workspace / path for path in paths])
    if absent:
        notes.append(f"Not in the cache, and therefore not checked: {absent} of {len(objects)} objects.")
    listings = [path for cached, paths in damaged.items() for path in paths if cached.is_listing]
    notes += [f"The listing of {path} was damaged: check again what it lists, after dvc repro." for path in listings]
    columns = ("output", "removed object" if repair else "damaged object")
    rows = [(", ".join(paths), os.path.relpath(cached.file, workspace)) for cached, paths in damaged.items()]
    if repair and damaged:
        return Result("cache", HOLDS, f"now that damaged objects are removed; {ANEW}", columns, rows, notes)
    if damaged:
        return Result("cache", FAILS, f"to remove them: python -m checks cache --repair; {ANEW}", columns, rows, notes)
    return Result("cache", HOLDS, f"{len(objects) - absent} objects are what their names say", notes=notes)


def named_objects(repo: Repo) -> Iterator[tuple[CachedObject, str]]:
    """List the objects that the commit names, those in folders too, each with its path in the workspace."""
    for out in repo.index.outs:
        if not (out.use_cache and out.hash_info and is_inside(out)):
            continue
        yield object_of(out), path_of(out)
        if out.hash_info.isdir:
            with suppress(FileNotFoundError):
                for key, _, hash_info in listing_of(out):
                    yield CachedObject.named(hash_info, out.cache), "/".join((path_of(out), *key))


def remove(cached: CachedObject, copies: list[Path]) -> None:
    """Remove a damaged object, and those files of the workspace that have its content: its links and copies."""
    damage = cached.hash(cached.file)
    for copy in copies:
        if copy.is_file() and cached.hash(copy) == damage:
            copy.unlink()
    cached.file.unlink()
