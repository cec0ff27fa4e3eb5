"""The objects of DVC's cache, and the entries of its run cache."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dvc.repo import Repo

from dvc_guard.checks import cache
from dvc_guard.clone import clone_head, run_dvc
from dvc_guard.errors import GuardError
from dvc_guard.git import git
from dvc_guard.objects import CachedObject
from dvc_guard.project import get_path
from dvc_guard.restore.changes import Changes
from dvc_guard.restore.outputs import list_outputs


def restore_cache(changes: Changes, repo: Repo) -> Iterator[str]:
    """Remove damaged objects from the cache, and get those that it lacks: copies, pulled or computed ones."""
    objects, entries = cache.find_damaged(*cache.list_all(repo))
    paths = cache.group_paths(repo)
    for cached in objects:
        changes.move(cached.file)
        yield f"Removed {os.path.relpath(cached.file)}, which was damaged ({', '.join(paths.get(cached, ['unused']))})"
    for entry in entries:
        changes.move(entry)
        with suppress(OSError):  # not empty
            entry.parent.rmdir()  # DVC fails on a folder without entries
        yield f"Removed {os.path.relpath(entry)}, which was damaged (run cache)"
    damaged = set(objects)
    missing = {each: names for each, names in paths.items() if each in damaged or not each.is_present}
    for cached, names in list(missing.items()):
        if copy := next((Path(name) for name in names if is_intact(Path(name), cached)), None):
            if not changes.dry_run:
                copy_to_cache(copy, cached, changes)
            yield f"Copied {copy} to the cache"
            del missing[cached]
    if missing:
        all_names = sorted({name for names in missing.values() for name in names})
        yield f"Missing from the cache: {', '.join(all_names)}; getting them by dvc pull or dvc repro in a clone"
        if not changes.dry_run:
            recreate(repo, {get_path(out) for out in list_outputs(repo)})


def is_intact(path: Path, cached: CachedObject) -> bool:
    """Return whether a path is a file of its own, with the content of an object."""
    return path.is_file() and not path.is_symlink() and cached.hash(path) == cached.hash_value


def copy_to_cache(path: Path, cached: CachedObject, changes: Changes) -> None:
    """Copy an intact file of the workspace to the cache, read-only as DVC makes it."""
    changes.move(cached.file)  # there is none: undo removes the copy
    cached.file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = changes.folder / "new"
    shutil.copyfile(path, unfinished)
    unfinished.chmod(0o444)
    shutil.move(unfinished, cached.file)


def recreate(repo: Repo, needed: set[str]) -> None:
    """Get missing objects by running the pipeline of the last commit in a clone that shares the cache.

    Stages with cached outputs do not run. What is not `needed`, such as the user's own data, may stay missing.

    Raises:
        GuardError: a stage failed, or its outputs differ from dvc.lock.
    """
    with clone_head(Path(), Path(repo.cache.local_cache_dir)) as root:
        run_dvc(root, "pull", "--allow-missing")  # without a remote this fails
        missing = [path for cached, path in cache.find_objects(repo) if not cached.is_present]
        if not any(path == out or path.startswith(f"{out}/") for path in missing for out in needed):
            return
        status = run_dvc(root, "repro", "--all-pipelines")
        if status:
            raise GuardError(f"dvc repro exited with {status} in a clone of the last commit; fix the error above")
        changed = git("status", "--porcelain", "--untracked-files=no", cwd=root)
        if changed:
            raise GuardError(f"the pipeline of the last commit gives other outputs: {' '.join(changed.split())}")
