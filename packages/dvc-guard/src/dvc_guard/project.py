"""Read the DVC project around the current directory, at a Git commit or in the workspace."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pygit2
from dvc.config import Config, ConfigError
from dvc.dvcfile import LOCK_FILE, PROJECT_FILE, Lockfile
from dvc.output import Output
from dvc.repo import Repo
from dvc.scm import RevError
from dvc.stage import PipelineStage

from dvc_guard.commit_files import add_submodules
from dvc_guard.errors import GuardError, join_names
from dvc_guard.git import git, try_git

NO_STAGES = "HEAD has no stages; nothing to check"


class NotInCacheError(GuardError):
    """Data that a check must read is missing from the cache, or damaged. `target` is what to pull."""

    def __init__(self, out: Output) -> None:
        """Name the output, which may also be a directory that contains the data."""
        self.target = get_path(out)
        super().__init__(f"{self.target} is missing from the cache or damaged; run dvc pull {self.target}")


class Project(Repo):  # type: ignore[misc]  # DVC has no types
    """A DVC project that is only read."""

    def _ignore(self) -> None:
        """Leave .dvc/.gitignore as it is. DVC appends to one that an older DVC wrote."""


@contextmanager
def open_project(revision: str) -> Iterator[Repo]:
    """Open the DVC project at a Git revision, or in the "workspace".

    Raises:
        GuardError: Git lacks objects of the commit, or the revision is empty, for which DVC takes the workspace.
    """
    if not revision:
        raise GuardError("unknown Git revision ''")
    with explain_invalid_config():
        project = Project()
    with project as repo, explain_shallow_clone(repo), repo.switch(revision) as commit:
        require_index(Path(repo.scm.root_dir))
        if commit != "workspace":
            require_git_objects(repo, commit)
            add_submodules(repo.fs.fs.trie, Path(repo.scm.root_dir))
        yield repo


@contextmanager
def explain_invalid_config() -> Iterator[None]:
    """Name the config file that DVC cannot read.

    Raises:
        GuardError: there is one.
    """
    try:
        yield
    except ConfigError as error:
        folders = (Repo.find_dvc_dir(), Config.get_dir("global"), Config.get_dir("system"))
        for path in (Path(folder, name) for folder in folders for name in (Config.CONFIG, Config.CONFIG_LOCAL)):
            try:
                Config.validate(Config.load_file(str(path)) if path.exists() else {})
            except ConfigError:
                raise GuardError(f"{os.path.relpath(path)}: {error}") from None
        raise


@contextmanager
def explain_shallow_clone(repo: Repo) -> Iterator[None]:
    """Say what to fetch if a commit is unknown in a shallow clone.

    Raises:
        GuardError: that is so.
    """
    try:
        yield
    except RevError as error:
        if not Path(repo.scm.root_dir, ".git", "shallow").exists():
            raise
        raise GuardError(f"{error}, and this is a shallow clone; run git fetch --unshallow") from None


def require_git_objects(repo: Repo, commit: str) -> None:
    """Verify that Git has all objects of the project at a commit. pygit2 waits forever for a missing one.

    Raises:
        GuardError: At least one is missing.
    """
    tree = f"{commit}:{repo.root_dir.lstrip('/')}"
    try:
        objects = git("rev-list", "--objects", "--missing=print", tree, cwd=repo.scm.root_dir).splitlines()
        missing = [f"the Git object {line[1:]} is missing" for line in objects if line.startswith("?")]
    except GuardError as error:
        missing = [str(error)]
    if missing:
        is_partial = try_git("config", "--get-regexp", r"remote\..*\.promisor", cwd=repo.scm.root_dir)
        advice = "git fsck, or clone the repository again"
        if is_partial:
            advice = "git fetch --refetch --no-filter, because this is a partial clone"
        raise GuardError(f"cannot read commit {commit[:8]}: {missing[0]}; run {advice}")


def require_index(root: Path) -> None:
    """Verify that DVC can read the index of Git. pygit2 waits forever if it cannot.

    Raises:
        GuardError: It cannot.
    """
    try:
        pygit2.Repository(str(root)).index.read()
    except pygit2.GitError as error:
        advice = "git update-index --no-split-index, or git sparse-checkout reapply --no-sparse-index"
        raise GuardError(
            f"DVC cannot read the index of Git ({error}); {advice}; if damaged, dvc-guard restore"
        ) from None


def get_workspace_root(repo: Repo) -> Path:
    """Return the project's root in the workspace. At a commit, `repo.root_dir` is relative to the Git root."""
    return Path(repo.scm.root_dir, repo.root_dir.lstrip("/"))


def read_lockfiles(repo: Repo) -> dict[str, dict[str, Any]]:
    """Read all dvc.lock files. Returns the entry of each stage by the stage's name."""
    paths = find_lockfiles(repo)
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


def get_stages(repo: Repo) -> dict[str, PipelineStage]:
    """Return the stages of all dvc.yaml files by name, including those that `foreach` and `matrix` generate."""
    stages = [stage for stage in repo.index.stages if isinstance(stage, PipelineStage)]
    return {get_stage_name(repo, stage.path, stage.name): stage for stage in stages}


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


def is_in_commit(file: Output) -> bool:
    """Return whether the Git repository, in which the project may be in a subdirectory, could contain a file."""
    if file.fs is None or urlparse(file.def_path).scheme or Path(file.def_path).is_absolute():
        return False
    return not os.path.normpath(Path(file.stage.wdir.lstrip("/"), file.def_path)).startswith("..")


def note_uncommitted_changes(repo: Repo) -> list[str]:
    """Return a note that lists tracked files with uncommitted changes, or an empty list if there are none.

    Each dvc command appends to a .dvc/.gitignore that an older DVC wrote: that change is not the user's.
    """
    options = ("--name-only", "--no-renames", "-z", "--ignore-submodules=untracked")
    names = git("diff", *options, "HEAD", cwd=repo.scm.root_dir).split("\0")
    changed = [name for name in names if name and not f"/{name}".endswith("/.dvc/.gitignore")]
    return [f"Uncommitted changes were not checked: {join_names(changed)}"] if changed else []
