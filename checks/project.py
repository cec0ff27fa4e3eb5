"""The DVC project around the current folder, with its pipelines as a commit has them."""

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


class CannotTellError(Exception):
    """A check has no answer. The text says in one line why."""


@contextmanager
def project_at(revision: str) -> Iterator[Repo]:
    """Open the project around the current folder, with the files of a commit or of the "workspace"."""
    with Repo() as repo, repo.switch(revision):
        yield repo


def workspace_of(repo: Repo) -> Path:
    """Give the project's root in the workspace, where `repo` shows a commit."""
    return Path(repo.scm.root_dir, repo.root_dir.lstrip("/"))


def read_locks(repo: Repo) -> dict[str, dict[str, Any]]:
    """Read every dvc.lock: the entry of each stage, by the name of the stage.

    Raises:
        CannotTellError: there is none.
    """
    paths = find_locks(repo)
    if not paths:
        raise CannotTellError(f"HEAD has no {LOCK_FILE}; run dvc repro and commit it")
    locks = {repo.fs.join(repo.fs.parent(path), PROJECT_FILE): Lockfile(repo, path) for path in paths}
    return {
        name_of(repo, path, name): entry
        for path, lock in locks.items()
        for name, entry in lock.load().get("stages", {}).items()
    }


def find_locks(repo: Repo) -> list[str]:
    """List the paths of every dvc.lock."""
    folders = [folder for folder, _, files in repo.dvcignore.walk(repo.fs, repo.root_dir) if LOCK_FILE in files]
    return [repo.fs.join(folder, LOCK_FILE) for folder in folders]


def pipeline_stages(repo: Repo) -> list[PipelineStage]:
    """List the stages of all dvc.yaml files, those from templates too."""
    return [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]


def name_of(repo: Repo, dvc_yaml: str, stage: str) -> str:
    """Name a stage as DVC's commands take it in the project's root."""
    path = repo.fs.relpath(dvc_yaml, repo.root_dir)
    return stage if path == PROJECT_FILE else f"{path}:{stage}"


def path_of(file: Output) -> str:
    """Give the path of an output or a dependency from the project's root, or its address if it has no such path."""
    if not file.is_in_repo:
        return str(file.def_path)
    return os.path.normpath(Path(os.path.relpath(file.stage.wdir, file.repo.root_dir), file.def_path))


def is_inside(file: Output) -> bool:
    """Tell whether a file lies in the project. In a commit, DVC takes `../file` for one in the root."""
    return bool(file.is_in_repo) and not path_of(file).startswith("..")


def note_uncommitted(repo: Repo) -> list[str]:
    """Say which changes in the workspace were not looked at, if there are any."""
    staged, unstaged, _ = repo.scm.status(untracked_files="no")
    changed = sorted({*unstaged, *itertools.chain.from_iterable(staged.values())})
    if not changed:
        return []
    return [f"The workspace has changes that are not committed, in {', '.join(changed)}; what was checked is HEAD."]
