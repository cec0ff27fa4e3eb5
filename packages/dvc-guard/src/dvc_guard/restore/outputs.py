"""Outputs that the committed dvc.lock names, and what a killed DVC left beside them."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from dvc.fs import LocalFileSystem
from dvc.output import Output
from dvc.repo import Repo
from dvc_data.hashfile.checkout import checkout

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


def list_outputs(repo: Repo) -> list[Output]:
    """List the outputs that dvc.lock names, not what the user added with dvc add."""
    sparse = list_sparse_files()
    stages = [stage for stage in get_stages(repo).values() if Path(stage.path_in_repo) not in sparse]
    return [out for stage in stages for out in stage.outs if out.use_cache and out.hash_info and is_in_project(out)]


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
