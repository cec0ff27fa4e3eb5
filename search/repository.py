"""The user's repository: what trials are based on, and whether they can run on other machines."""

import shlex
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from pathlib import Path
from typing import NamedTuple

from dvc.exceptions import DvcException
from dvc.repo import Repo

from search.configuration import Configuration
from search.errors import SearchError
from search.git import GitError, git, try_git
from search.task import Task

HERE = Path()
SHOWN = 5  # paths in an error
ALWAYS_READ = (".dvc/config", ".dvcignore", "dvc.lock", "params.yaml")


class Source(NamedTuple):
    """Where the clones of the workers come from: see search.task.Task."""

    commit: str
    repository: str
    project: str
    author: tuple[str, str]
    remote: str  # name of the Git remote, or empty: this repository


def find_source(on_this_machine: bool) -> Source:  # noqa: FBT001 - the only question
    """Make sure that trials can run in clones, and return what these need.

    Raises:
        SearchError: one line for each thing that prevents it, with the command that fixes it.
    """
    commit = try_git(HERE, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if commit is None:
        raise SearchError("there is no commit; to fix: git add --all && git commit")
    try:
        with Repo() as repo:
            errors = list(_find_uncommitted(repo))
            if not on_this_machine:
                errors += [*_find_unpushed_commit(commit), *_find_unpushed_data(repo)]
    except DvcException as error:
        raise SearchError(f"dvc: {' '.join(str(error).split())}") from None
    if errors:
        raise SearchError("\n".join(errors))
    top_level = git(HERE, "rev-parse", "--show-toplevel")
    remote = "" if on_this_machine else find_git_remote() or ""
    repository = git(HERE, "remote", "get-url", remote) if remote else top_level
    project = str(Path.cwd().resolve().relative_to(Path(top_level).resolve()))
    return Source(commit, repository, "" if project == "." else project, _find_author(), remote)


def has_changed_since(commit: str) -> bool:
    """Return whether a file that stages read differs between a commit and HEAD."""
    with Repo() as repo:
        return try_git(HERE, "diff", "--quiet", commit, "HEAD", "--", *_list_read(repo)) is None


def is_in_history(commit: str) -> bool:
    """Return whether HEAD has a commit among its ancestors, or is that commit."""
    return _contains("HEAD", commit)


def find_git_remote() -> str | None:
    """Return the Git remote of the current branch, or origin, or the only one."""
    branch = try_git(HERE, "symbolic-ref", "--short", "--quiet", "HEAD")
    if branch and (remote := try_git(HERE, "config", f"branch.{branch}.remote")):
        return remote
    remotes = git(HERE, "remote").splitlines()
    return "origin" if "origin" in remotes else remotes[0] if len(remotes) == 1 else None


def make_task(
    configuration: Configuration, source: Source, patience: float, name: str, parameters: dict[str, object]
) -> Task:
    """Describe a trial to a worker."""
    return Task(
        name=name,
        commit=source.commit,
        repository=source.repository,
        project=source.project,
        parameters=parameters,
        metric=configuration.metric,
        author=source.author,
        pushes_data=bool(source.remote),
        patience=patience,
    )


def is_recorded(source: Source, name: str) -> bool:
    """Return whether the Git remote has the experiment of a trial; False if it does not answer."""
    ref = f"refs/exps/{source.commit[:2]}/{source.commit[2:]}/{name}"
    return bool(try_git(HERE, "ls-remote", source.repository, ref))


def fetch_experiments(source: Source, name: str) -> None:
    """Fetch the experiments of a search from the Git remote; on this machine they are in the repository already."""
    if source.remote:
        refs = f"refs/exps/{source.commit[:2]}/{source.commit[2:]}/{name}-*"
        git(HERE, "fetch", "--quiet", "--no-write-fetch-head", "--no-tags", source.remote, f"{refs}:{refs}")


def _find_author() -> tuple[str, str]:
    name, email = (try_git(HERE, "config", f"user.{key}") for key in ("name", "email"))
    return name or "search", email or "search@localhost"


def _list_read(repo: Repo) -> list[str]:
    """List the paths that stages read and that are in Git: pipeline, parameters, and dependencies of stages."""
    outs = {out.fs_path for out in repo.index.outs if out.use_cache}
    paths = [dep.fs_path for dep in repo.index.deps if dep.protocol == "local" and dep.fs_path not in outs]
    paths += [stage.path for stage in repo.index.stages]
    relative = {
        str(Path(path).relative_to(repo.root_dir)) for path in paths if Path(path).is_relative_to(repo.root_dir)
    }
    return sorted(relative | set(ALWAYS_READ))


def _find_uncommitted(repo: Repo) -> Iterator[str]:
    status = git(HERE, "status", "--porcelain", "--untracked-files=all", "-z", "--", *_list_read(repo))
    paths = [entry[3:] for entry in status.split("\0") if entry]
    if paths:
        command = (
            f"git add {shlex.join(paths[:SHOWN])} && git commit"
            if len(paths) <= SHOWN
            else "git add --all && git commit"
        )
        yield f"{_list(paths)}: not committed, and stages read it; to fix: {command}"


def _find_unpushed_commit(commit: str) -> Iterator[str]:
    remote = find_git_remote()
    if remote is None:
        yield "there is no Git remote; to fix: git remote add origin URL && git push --set-upstream origin HEAD"
        return
    try:
        refs = git(HERE, "ls-remote", "--heads", "--tags", remote).splitlines()
    except GitError as error:
        yield f"Git remote {remote}: {error}"
        return
    heads = {line.split()[0] for line in refs}
    if not any(_contains(head, commit) for head in heads):
        yield f"commit {commit[:7]} is not on Git remote {remote}; to fix: git push {remote} HEAD"


def _contains(head: str, commit: str) -> bool:
    return try_git(HERE, "merge-base", "--is-ancestor", commit, head) is not None


def _find_unpushed_data(repo: Repo) -> Iterator[str]:
    remote = repo.config["core"].get("remote")
    if remote is None:
        yield "there is no default DVC remote; to fix: dvc remote add --default storage URL, then commit .dvc/config"
        return
    committed = ConfigParser(interpolation=None)  # as it is written: DVC makes paths absolute
    committed.read(".dvc/config", encoding="utf-8")
    url = committed.get(f"'remote \"{remote}\"'", "url", fallback=None)
    if url is None:
        yield f"DVC remote {remote} is not in .dvc/config, which workers read; to fix: dvc remote add {remote} URL"
        return
    if _is_relative(url):
        absolute = repo.config["remote"][remote]["url"]
        command = f"dvc remote modify {remote} url {absolute}"
        yield f"DVC remote {remote}: {url} is relative, and trials run elsewhere; to fix: {command}"
        return
    missing = repo.data_status(not_in_remote=True, remote_refresh=True)["not_in_remote"]
    if missing:
        yield f"{_list(sorted(missing))}: not on DVC remote {remote}; to fix: dvc push"


def _list(paths: Sequence[str]) -> str:
    return ", ".join(paths[:SHOWN]) + (f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else "")


def _is_relative(url: str) -> bool:
    return "://" not in url and not Path(url).is_absolute()
