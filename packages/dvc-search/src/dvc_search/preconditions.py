"""What must be committed before trials can run in clones, and what they need to have the metric."""

import difflib
import shlex
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dvc.repo import Repo

from dvc_search.errors import GitError, SearchError
from dvc_search.git import git, try_git
from dvc_search.metric import list_numbers, parse
from dvc_search.task import Metric

HERE = Path()
SHOWN = 5  # paths in an error
SHOWN_KEYS = 20  # of a file of metrics
ALWAYS_READ = (".dvc/config", ".dvcignore", "dvc.lock", "params.yaml")


def list_read(repo: Repo) -> list[str]:
    """List the paths that stages read and that are in Git: pipeline, parameters, and dependencies of stages."""
    outs = {out.fs_path for out in repo.index.outs if out.use_cache}
    paths = [dep.fs_path for dep in repo.index.deps if dep.protocol == "local" and dep.fs_path not in outs]
    paths += [stage.path for stage in repo.index.stages]
    relative = {
        str(Path(path).relative_to(repo.root_dir)) for path in paths if Path(path).is_relative_to(repo.root_dir)
    }
    return sorted(relative | set(ALWAYS_READ))


def find_commit() -> str:
    """Return the hash of the last commit.

    Raises:
        SearchError: there is none, or Git cannot read it.
    """
    if shutil.which("git") is None:
        raise SearchError("git is not installed, or not on PATH")
    try:
        git(HERE, "ls-remote", git(HERE, "rev-parse", "--show-toplevel"), "HEAD")  # as a clone does
        return git(HERE, "rev-parse", "--verify", "HEAD^{commit}")
    except GitError as error:
        text = str(error)
    if "dubious ownership" in text:
        folder = text.partition("'")[2].partition("'")[0]
        trusted = [folder] if folder.endswith("/.git") else [folder, f"{folder}/.git"]  # trials are cloned from this
        commands = [f"git config --global --add safe.directory {shlex.quote(path)}" for path in trusted]
        raise SearchError(f"{folder} belongs to another user; if you trust it: {' && '.join(commands)}")
    if "not a git repository" in text:
        raise SearchError(
            f"{HERE.absolute()} is not in a Git repository; trials need its commits; to fix: git clone it"
        )
    raise SearchError("there is no commit; to fix: git add --all && git commit")


def is_in_history(commit: str, head: str = "HEAD") -> bool:
    """Return whether a commit is an ancestor of another, or that one itself."""
    return try_git(HERE, "merge-base", "--is-ancestor", commit, head) is not None


def find_uncommitted(repo: Repo) -> Iterator[str]:
    """Yield an error if files that stages read are not committed."""
    status = git(HERE, "status", "--porcelain", "--untracked-files=all", "-z", "--", *list_read(repo))
    paths = [entry[3:] for entry in status.split("\0") if entry]
    if paths:
        command = (
            f"git add {shlex.join(paths[:SHOWN])} && git commit"
            if len(paths) <= SHOWN
            else "git add --all && git commit"
        )
        yield f"{join_some(paths)}: not committed, and stages read it; to fix: {command}"


def find_metric_errors(repo: Repo, metric: Metric) -> Iterator[str]:
    """Yield an error if no trial could have the metric: it is not in Git, or has another key at the last commit."""
    path = Path(metric.file).absolute()
    outs = [out for out in repo.index.outs if path.is_relative_to(out.fs_path)]
    if any(out.use_cache for out in outs):
        yield f"{metric.file}: in DVC's cache, and must be in Git; to fix: cache: false in dvc.yaml"
        return
    text = show_metric(metric)
    if text is None:
        if not outs:
            yield f"{metric.file}: not in the last commit, and no stage of dvc.yaml writes it"
        return
    try:
        keys = list_numbers(parse(text, metric.file))
    except ValueError as error:
        yield f"{metric.file}: not valid in the last commit: {' '.join(str(error).split())}"
        return
    if metric.key not in keys:
        similar = difflib.get_close_matches(metric.key, keys, n=1)
        hint = f"did you mean {similar[0]}? " if similar else ""
        yield f"{metric.file}: no number under {metric.key}; {hint}its numbers: {join_some(keys, SHOWN_KEYS) or 'none'}"


def find_unlisted(repo: Repo, keys: Iterable[str]) -> Iterator[str]:
    """Yield the keys of params.yaml on which no stage depends, as far as dvc.yaml says."""
    path = str(Path("params.yaml").absolute())
    listed = [key for stage in repo.index.stages for key in getattr(stage, "tracked_vars", {}).get("params.yaml", ())]
    for dep in repo.index.deps:
        if dep.fs_path == path:
            if not getattr(dep, "params", None):  # on the whole file
                return
            listed += dep.params
    for key in keys:
        if not any(f"{key}.".startswith(f"{name}.") or f"{name}.".startswith(f"{key}.") for name in listed):
            yield key


def show_metric(metric: Metric) -> str | None:
    """Return the file of a metric in the last commit, or None if it is not there."""
    return try_git(HERE, "show", f"HEAD:./{metric.file}")


def join_some(names: Sequence[str], shown: int = SHOWN) -> str:
    """Join the first names, and say how many more there are."""
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
