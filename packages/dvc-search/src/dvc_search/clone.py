"""Clones of the Git remote in which trials run: a number of them in one folder, each for one trial at a time."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

from dvc.config import Config

from dvc_search.git import git, try_git
from dvc_search.task import Task


class Clone(NamedTuple):
    """A clone, checked out at the commit of a trial, and a descriptor of its lock file."""

    folder: Path
    lock: int


@contextmanager
def open_clone(task: Task) -> Iterator[Clone]:
    """Check the commit of a trial out in a clone that no other process uses.

    A clone is used again for the next trial, unless one ended with an exception or was killed in it: then it is cloned
    anew, for there may be lock files, refs and outputs of a run that did not end.

    Raises:
        GitError: the Git remote does not answer, or lacks the commit.
        OSError: the clone of a trial that did not end cannot be removed.
    """
    project = find_project()
    parent = find_folder(task) / "clones" / _hash_url(task)
    with _lock_first_free(parent) as (folder, lock):
        in_use = folder.with_suffix(".used")
        if in_use.exists() and folder.exists():
            shutil.rmtree(folder)
        in_use.touch()
        _check_out(folder, task)
        cache = find_cache(project) if project else _find_home(task) / "cache"
        _configure_dvc(folder / task.project / ".dvc/config.local", project, cache)
        yield Clone(folder, lock)
        in_use.unlink()


def find_project() -> Path | None:
    """Return the DVC project that this worker was started in, if it was."""
    return Path.cwd() if Path(".dvc").is_dir() else None


def find_folder(task: Task) -> Path:
    """Return the folder of the clones and logs on this machine.

    It is in .dvc/tmp also without a project: what a stage saves for its next attempt must outlive the clone, and
    `dvc-guard run --resume` keeps it in the folder around .dvc/tmp.
    """
    return (find_project() or _find_home(task)) / ".dvc/tmp/search"


def _find_home(task: Task) -> Path:
    """Return the folder that stands for a project outside of one: two projects may have searches of the same name."""
    return Path.home() / ".cache/dvc-search" / _hash_url(task)


def _hash_url(task: Task) -> str:
    return hashlib.sha256(task.repository.encode()).hexdigest()[:8]


def find_cache(project: Path) -> Path:
    """Return the cache of a DVC project."""
    config = Config(str(project / ".dvc"))
    return Path(config["cache"].get("dir") or project / ".dvc/cache").resolve()


@contextmanager
def _lock_first_free(parent: Path) -> Iterator[tuple[Path, int]]:
    parent.mkdir(parents=True, exist_ok=True)
    for number in count():
        folder = parent / str(number)
        with folder.with_suffix(".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder, file.fileno()
            return


def _check_out(folder: Path, task: Task) -> None:
    name, email = task.author
    if not (folder / ".git").exists():  # in it, Git would find the repository around it
        settings = ("--config", f"user.name={name}", "--config", f"user.email={email}", "--config", "gc.auto=0")
        git(folder.parent, "clone", "--quiet", "--no-checkout", *settings, task.repository, folder.name)
    if try_git(folder, "cat-file", "-e", f"{task.commit}^{{commit}}") is None:
        git(folder, "fetch", "--quiet", "origin", task.commit)
    git(folder, "checkout", "--quiet", "--force", "--detach", task.commit)
    git(folder, "clean", "--quiet", "-ffd")


def _configure_dvc(path: Path, project: Path | None, cache: Path) -> None:
    """Write the config.local of a clone: that of the project on this machine, with its cache."""
    settings = ConfigParser(interpolation=None)
    if project and (project / ".dvc/config.local").exists():
        settings.read(project / ".dvc/config.local", encoding="utf-8")
    changes = {"core": {"analytics": "false"}, "cache": {"dir": os.fspath(cache)}, "exp": {"auto_push": "false"}}
    for section, values in changes.items():
        if not settings.has_section(section):
            settings.add_section(section)
        settings[section].update(values)
    with path.open("w", encoding="utf-8") as file:
        settings.write(file)
