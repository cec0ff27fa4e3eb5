"""Outputs in the workspace and their objects in DVC's cache."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from dvc.output import Output
from dvc.repo import Repo

from dvc_guard.checks import cache
from dvc_guard.clone import clone_head, run_dvc
from dvc_guard.errors import GuardError
from dvc_guard.git import git
from dvc_guard.objects import CachedObject, get_cached_object, read_directory_listing
from dvc_guard.project import get_path, is_in_project, open_project


def remove_temporary_files() -> Iterator[str]:
    """Remove the folders of killed experiments, and the hidden files of a DVC killed while it linked outputs."""
    for pattern in ("tmp*/", "standalone/tmp*/"):
        for folder in sorted(Path(".dvc/tmp/exps").glob(pattern)):
            shutil.rmtree(folder)
            yield f"Removed {folder}, left by a killed dvc"
    with open_project("HEAD") as repo:
        folders = {Path(get_path(out)).parent for out in repo.index.outs if is_in_project(out)}
    for path in sorted({path for folder in folders for path in folder.rglob(".*.tmp")}):
        path.unlink()
        yield f"Removed {path}, left by a killed dvc"


def remove_damaged_objects() -> Iterator[str]:
    """Remove what is damaged in DVC's cache and run cache."""
    for used_by, path in cache.check(repair=True).rows:
        yield f"Removed {path}, which was damaged ({used_by})"


def restore_outputs() -> Iterator[str]:
    """Restore every output that is not what dvc.lock says: from the cache, from a remote, or by running its stage."""
    with open_project("HEAD") as repo:
        missing = sorted({path for cached, path in cache.find_objects(repo) if not cached.is_present})
    if missing:
        yield f"Missing from the cache: {', '.join(missing)}; getting them by dvc pull or dvc repro in a clone"
        recreate()
    with open_project("HEAD") as repo:
        outs = [out for out in repo.index.outs if out.use_cache and out.hash_info and is_in_project(out)]
        for path in sorted({path for out in outs for path in find_wrong_files(out)}):
            path.unlink()
    with Repo() as repo:
        # A killed dvc can leave an incomplete index; checkout would remove the outputs that are not in it.
        shutil.rmtree(Path(repo.site_cache_dir, "index"), ignore_errors=True)
        changed = repo.checkout(force=True)
    restored = {os.path.normpath(path) for key in ("added", "modified", "deleted") for path in changed.get(key, [])}
    if restored:
        yield f"Restored {', '.join(sorted(restored))}"


def find_wrong_files(out: Output) -> Iterator[Path]:
    """Yield the files of an output in the workspace that are damaged, or that do not belong there.

    DVC compares size and time first, and does not notice damage that changes neither.
    """
    path = Path(get_path(out))
    if not out.hash_info.isdir:
        yield from _find_wrong_file(path, get_cached_object(out))
        return
    expected = {
        path.joinpath(*key): CachedObject.from_hash(info, out.cache) for key, _, info in read_directory_listing(out)
    }
    for file, cached in expected.items():
        yield from _find_wrong_file(file, cached)
    yield from (file for file in path.rglob("*") if not file.is_dir() and file not in expected)


def _find_wrong_file(path: Path, cached: CachedObject) -> Iterator[Path]:
    is_link_to_no_file = path.is_symlink() and not path.is_file()  # to /dev/zero, for example
    if is_link_to_no_file or (path.is_file() and cached.hash(path) != cached.hash_value):
        yield path


def recreate() -> None:
    """Run the pipeline of the last commit in a clone that shares the cache; stages with cached outputs do not run.

    Raises:
        GuardError: a stage failed, or its outputs differ from dvc.lock.
    """
    with Repo() as repo:
        shared_cache = Path(repo.cache.local_cache_dir)
    with clone_head(Path(), shared_cache) as root:
        run_dvc(root, "pull", "--allow-missing")  # without a remote this fails
        status = run_dvc(root, "repro", "--all-pipelines")
        if status:
            raise GuardError(f"dvc repro exited with {status} in a clone of the last commit; fix the error above")
        changed = git("status", "--porcelain", "--untracked-files=no", cwd=root)
        if changed:
            raise GuardError(f"the pipeline of the last commit gives other outputs: {' '.join(changed.split())}")
