"""What must be pushed before trials can run on other machines."""

from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

from dvc.repo import Repo

from dvc_search.errors import GitError
from dvc_search.git import git, try_git
from dvc_search.preconditions import HERE, is_in_history, join_some


def find_git_remote() -> str | None:
    """Return the Git remote of the current branch, or origin, or the only one."""
    branch = try_git(HERE, "symbolic-ref", "--short", "--quiet", "HEAD")
    if branch and (remote := try_git(HERE, "config", f"branch.{branch}.remote")):
        return remote
    remotes = git(HERE, "remote").splitlines()
    return "origin" if "origin" in remotes else remotes[0] if len(remotes) == 1 else None


def find_unpushed_commit(commit: str) -> Iterator[str]:
    """Yield an error if there is no Git remote, or it lacks the commit."""
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
    if not any(is_in_history(commit, head) for head in heads):
        yield f"commit {commit[:7]} is not on Git remote {remote}; to fix: git push {remote} HEAD"


def find_unpushed_data(repo: Repo) -> Iterator[str]:
    """Yield an error if there is no default DVC remote, workers cannot use it, or it lacks data."""
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
        yield f"{join_some(sorted(missing))}: not on DVC remote {remote}; to fix: dvc push"


def _is_relative(url: str) -> bool:
    return "://" not in url and not Path(url).is_absolute()
