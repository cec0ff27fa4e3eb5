"""Read the DVC project around the current directory, at a Git commit or in the workspace."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvc.dvcfile import LOCK_FILE, PROJECT_FILE, Lockfile
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage import PipelineStage


class CheckError(Exception):
    """A check cannot determine its result. The message gives the reason in one line."""


@contextmanager
def open_project(revision: str) -> Iterator[Repo]:
    """Open the DVC project at a Git revision, or in the "workspace"."""
    with Repo() as repo, repo.switch(revision):
        yield repo


def get_workspace_root(repo: Repo) -> Path:
    """Return the project's root in the workspace. At a commit, `repo.root_dir` is relative to the Git root."""
    return Path(repo.scm.root_dir, repo.root_dir.lstrip("/"))


def read_lockfiles(repo: Repo) -> dict[str, dict[str, Any]]:
    """Read all dvc.lock files. Returns the entry of each stage by the stage's name.

    Raises:
        CheckError: There is no dvc.lock.
    """
    paths = find_lockfiles(repo)
    if not paths:
        raise CheckError(f"HEAD has no {LOCK_FILE}; run dvc repro and commit {LOCK_FILE}")
    locks = {repo.fs.join(repo.fs.parent(path), PROJECT_FILE): Lockfile(repo, path) for path in paths}
    return {
        get_stage_name(repo, path, name): entry
        for path, lock in locks.items()
        for name, entry in lock.load().get("stages", {}).items()
    }


def find_lockfiles(repo: Repo) -> list[str]:
    """Return the paths of all dvc.lock files, except in directories that .dvcignore excludes."""
    directories = [path for path, _, files in repo.dvcignore.walk(repo.fs, repo.root_dir) if LOCK_FILE in files]
    return [repo.fs.join(path, LOCK_FILE) for path in directories]


def get_pipeline_stages(repo: Repo) -> list[PipelineStage]:
    """Return the stages of all dvc.yaml files, including those that `foreach` and `matrix` generate."""
    return [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]


def get_stage_name(repo: Repo, dvc_yaml: str, stage: str) -> str:
    """Return a stage's name as a DVC target in the project's root: `train` or `path/dvc.yaml:train`."""
    path = repo.fs.relpath(dvc_yaml, repo.root_dir)
    return stage if path == PROJECT_FILE else f"{path}:{stage}"


def get_path(file: Output) -> str:
    """Return the path of an output or dependency relative to the project's root, or as written if not in the repo."""
    if not file.is_in_repo:
        return str(file.def_path)
    return os.path.normpath(Path(os.path.relpath(file.stage.wdir, file.repo.root_dir), file.def_path))


def is_in_project(file: Output) -> bool:
    """Return whether a file is in the project. At a commit, DVC's `is_in_repo` is also true for `../file`."""
    return bool(file.is_in_repo) and not get_path(file).startswith("..")


def note_uncommitted_changes(repo: Repo) -> list[str]:
    """Return a note that lists tracked files with uncommitted changes, or an empty list if there are none."""
    staged, unstaged, _ = repo.scm.status(untracked_files="no")
    changed = sorted({*unstaged, *itertools.chain.from_iterable(staged.values())})
    if not changed:
        return []
    return [f"Uncommitted changes were not checked: {', '.join(changed)}"]
