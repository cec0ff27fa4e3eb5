"""Outputs that the committed dvc.lock names, and the objects of DVC's cache."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dvc.fs import LocalFileSystem
from dvc.output import Output
from dvc.repo import Repo
from dvc_data.hashfile.checkout import checkout

from dvc_guard.checks import cache
from dvc_guard.clone import clone_head, run_dvc
from dvc_guard.errors import GuardError
from dvc_guard.git import git
from dvc_guard.objects import CachedObject, get_cached_object, read_directory_listing
from dvc_guard.project import get_path, get_stages, is_in_project
from dvc_guard.restore.changes import Changes
from dvc_guard.restore.committed_files import list_sparse_files

TEMPORARY = re.compile(r".*\.[\w-]{22}\.tmp")  # of dvc_objects.fs.utils.tmp_fname


def remove_temporary_files(changes: Changes, repo: Repo) -> Iterator[str]:
    """Remove the folders of killed experiments, and the files of a DVC killed while it linked outputs."""
    paths = {path for pattern in ("tmp*", "standalone/tmp*") for path in Path(".dvc/tmp/exps").glob(pattern)}
    for folder in {Path(get_path(out)).parent for out in repo.index.outs if is_in_project(out)}:
        files = folder.rglob("*.tmp") if folder != Path() else folder.glob("*.tmp")
        paths |= {path for path in files if TEMPORARY.fullmatch(path.name) and path.is_file()}
    for path in sorted(paths):
        changes.move(path)
        yield f"Removed {path}, left by a killed dvc"


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


def list_outputs(repo: Repo) -> list[Output]:
    """List the outputs that dvc.lock names, not what the user added with dvc add."""
    sparse = list_sparse_files()
    stages = [stage for stage in get_stages(repo).values() if Path(stage.path_in_repo) not in sparse]
    return [out for stage in stages for out in stage.outs if out.use_cache and out.hash_info and is_in_project(out)]


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


def restore_outputs(changes: Changes, repo: Repo) -> Iterator[str]:
    """Restore every output that is not what dvc.lock says, from the cache."""
    for out in list_outputs(repo):
        path = Path(get_path(out))
        try:
            wrong = list(find_wrong_files(out, path))
        except FileNotFoundError:
            if not changes.dry_run:
                raise
            wrong = [path]
        for file in wrong:
            changes.move(file)
        if wrong and not changes.dry_run:
            checkout(
                str(path.absolute()),
                LocalFileSystem(),
                out.get_obj(),
                out.cache,
                force=True,
                quiet=True,
                state=repo.state,
            )
            if out.meta.isexec:
                out.cache.set_exec(str(path.absolute()))
        if wrong:
            yield f"Restored {path}"
    # A killed dvc can leave an incomplete index; the next checkout would remove the outputs that are not in it.
    shutil.rmtree(Path(repo.site_cache_dir, "index"), ignore_errors=True)


def find_wrong_files(out: Output, path: Path) -> Iterator[Path]:
    """Yield the files of an output in the workspace that are missing or damaged, or that do not belong there.

    DVC compares size and time first, and does not notice damage that changes neither.
    """
    if not out.hash_info.isdir:
        yield from _find_wrong_file(path, get_cached_object(out))
    elif not path.is_dir():
        yield path
    else:
        listing = read_directory_listing(out)
        expected = {path.joinpath(*key): CachedObject.from_hash(info, out.cache) for key, _, info in listing}
        for file, cached in expected.items():
            yield from _find_wrong_file(file, cached)
        yield from (file for file in path.rglob("*") if not file.is_dir() and file not in expected)


def _find_wrong_file(path: Path, cached: CachedObject) -> Iterator[Path]:
    if not path.is_file() or cached.hash(path) != cached.hash_value:
        yield path


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
