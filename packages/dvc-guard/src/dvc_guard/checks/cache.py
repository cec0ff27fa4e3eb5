"""Verify the hash of every object in DVC's cache, and every entry of its run cache.

DVC does not verify read-only objects: it links or copies a damaged object into the workspace, and `dvc status` reports
"up to date". A missing object is not a failure.
"""

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from dvc.exceptions import DvcException
from dvc.repo import Repo
from rich.progress import track

from dvc_guard.checks import run_cache
from dvc_guard.checks.report import ERROR, FAILED, PASSED, Result, make_console
from dvc_guard.objects import CachedObject, get_cached_object, list_objects, read_directory_listing
from dvc_guard.project import get_path, get_workspace_root, is_in_project, note_uncommitted_changes, open_project

RESTORE = "restore them with dvc repro or dvc pull"
T = TypeVar("T")

NOT_IN_HEAD = "none of HEAD"


def check(*, repair: bool, strict: bool = False) -> Result:
    """Hash all objects; with `repair`, remove damaged ones, and the workspace files with the same content.

    With `strict`, a missing object is an error.
    """
    with open_project("HEAD") as repo:
        workspace = get_workspace_root(repo)
        notes = note_uncommitted_changes(repo)
        of_head = group_paths(repo)
        missing = [cached for cached in of_head if not cached.is_present]
        objects, entries = list_all(repo)
        damaged, damaged_entries = find_damaged(objects, entries)
        if repair:
            remove_damaged(repo, damaged, damaged_entries, of_head)
    not_checked = f"missing from the cache: {len(missing)} of {len(of_head)} objects of HEAD"
    if missing:
        pull = "; run dvc pull" if len(missing) == len(of_head) else ""
        notes.append(f"Not checked, because {not_checked}{pull}")
    rows = [(", ".join(of_head.get(each, [NOT_IN_HEAD])), os.path.relpath(each.file, workspace)) for each in damaged]
    rows += [("run cache", os.path.relpath(entry, workspace)) for entry in damaged_entries]
    if rows:
        return report_damage(rows, notes, repair=repair)
    if missing and strict:
        return Result("cache", ERROR, f"{not_checked}; run dvc pull", notes=notes[:-1])
    counts = f"{len(objects)} objects ({len(of_head) - len(missing)} of HEAD) and {len(entries)} run cache entries"
    return Result("cache", PASSED, f"{counts} match their hashes", notes=notes)


def list_all(repo: Repo) -> tuple[list[CachedObject], list[Path]]:
    """List all objects of the cache, and all entries of the run cache."""
    return [*list_objects(repo.cache.local), *list_objects(repo.cache.legacy)], list(run_cache.list_entries(repo))


def find_damaged(objects: list[CachedObject], entries: list[Path]) -> tuple[list[CachedObject], list[Path]]:
    """Return those of the objects, and of the entries of the run cache, that are damaged."""
    damaged = [cached for cached in _track(objects, "Hashing cached objects") if cached.is_damaged]
    return damaged, [entry for entry in _track(entries, "Reading the run cache") if run_cache.is_damaged(entry)]


def report_damage(rows: Sequence[tuple[str, str]], notes: Sequence[str], *, repair: bool) -> Result:
    """Report damaged objects, each with its outputs and its path, that were found or, with `repair`, removed."""
    if repair:
        columns = ("output", "removed object")
        return Result("cache", PASSED, f"damaged objects removed; {RESTORE}", columns, rows, notes)
    summary = f"damaged objects found; remove them with dvc-guard cache --repair, then {RESTORE}"
    return Result("cache", FAILED, summary, ("output", "damaged object"), rows, notes)


def remove_damaged(
    repo: Repo, objects: Iterable[CachedObject], entries: Iterable[Path], of_head: Mapping[CachedObject, list[str]]
) -> None:
    """Remove objects with the workspace files of the same content, and run cache entries."""
    with repo.lock:
        of_workspace = read_workspace()
        for cached in objects:
            paths = {*of_head.get(cached, []), *of_workspace.get(cached, [])}
            remove_object(cached, [get_workspace_root(repo) / path for path in sorted(paths)])
        for entry in entries:
            run_cache.remove(entry)


def _track(items: list[T], description: str) -> Iterator[T]:
    console = make_console(stderr=True)
    return iter(track(items, description, console=console, transient=True, disable=not console.is_terminal))


def group_paths(repo: Repo) -> dict[CachedObject, list[str]]:
    """Return the paths of the outputs, and of the files in them, by object, relative to the project's root."""
    paths: dict[CachedObject, list[str]] = defaultdict(list)
    for cached, path in find_objects(repo):
        paths[cached].append(path)
    return dict(paths)


def read_workspace() -> Mapping[CachedObject, list[str]]:
    """Group the paths of the workspace, whose dvc.lock can be newer than HEAD's; empty if it cannot be read."""
    with suppress(DvcException), Repo() as repo:
        return group_paths(repo)
    return {}


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
    if cached.file.is_file():
        damaged_hash = cached.hash(cached.file)
        for copy in copies:
            if copy.is_file() and cached.hash(copy) == damaged_hash:
                copy.unlink()
    if cached.file.is_dir():
        shutil.rmtree(cached.file)
    else:
        cached.file.unlink()
