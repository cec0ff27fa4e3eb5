"""The user's repository: what trials are based on, and their experiments."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dvc.exceptions import DvcException
from dvc.repo import Repo

from dvc_search.configuration import Configuration
from dvc_search.errors import SearchError
from dvc_search.git import git, try_git
from dvc_search.preconditions import (
    HERE,
    find_commit,
    find_metric_errors,
    find_uncommitted,
    find_unlisted,
    list_read,
    show_metric,
)
from dvc_search.remotes import find_git_remote, find_unpushed_commit, find_unpushed_data
from dvc_search.task import Metric, Task, get_ref


class Source(NamedTuple):
    """Where the clones of the workers come from: see dvc_search.task.Task."""

    commit: str
    repository: str
    project: str
    author: tuple[str, str]
    remote: str  # name of the Git remote, or empty: this repository


def find_source(on_this_machine: bool, metrics: Sequence[Metric] = ()) -> Source:  # noqa: FBT001
    """Make sure that trials can run in clones and have the metrics, and return what the clones need.

    Raises:
        SearchError: one line for each thing that prevents it, with the command that fixes it.
    """
    commit = find_commit()
    try:
        with Repo() as repo:
            errors = [error for metric in metrics for error in find_metric_errors(repo, metric)]
            errors += find_uncommitted(repo)
            if not on_this_machine:
                errors += [*find_unpushed_commit(commit), *find_unpushed_data(repo)]
    except DvcException as error:
        raise SearchError(f"dvc: {' '.join(str(error).split())}") from None
    if errors:
        raise SearchError("\n".join(errors))
    top_level = git(HERE, "rev-parse", "--show-toplevel")
    remote = "" if on_this_machine else find_git_remote() or ""
    repository = git(HERE, "remote", "get-url", remote) if remote else top_level
    project = str(Path.cwd().resolve().relative_to(Path(top_level).resolve()))
    return Source(commit, repository, "" if project == "." else project, _find_author(), remote)


def find_notes(configuration: Configuration) -> Iterator[str]:
    """Yield what may be a mistake, but can be what the user wants."""
    for metric in configuration.metrics:
        if show_metric(metric) is None:
            yield f"{metric.file}: not in the last commit; the first trial will show whether it has the metric"
    keys = dict.fromkeys(parameter.key for parameter in configuration.space if parameter.distribution)
    with Repo() as repo:
        for key in find_unlisted(repo, keys):
            yield f"{key}: among the params of no stage in dvc.yaml; its value may make no difference"


def has_changed_since(commit: str) -> bool:
    """Return whether a file that stages read differs between a commit and HEAD."""
    with Repo() as repo:
        return try_git(HERE, "diff", "--quiet", commit, "HEAD", "--", *list_read(repo)) is None


def make_task(
    configuration: Configuration,
    source: Source,
    patience: float,
    threads: int | None,
    name: str,
    parameters: dict[str, object],
) -> Task:
    """Describe a trial to a worker."""
    return Task(
        name=name,
        commit=source.commit,
        repository=source.repository,
        project=source.project,
        parameters=parameters,
        metrics=configuration.metrics,
        author=source.author,
        pushes_data=bool(source.remote),
        patience=patience,
        threads=threads,
    )


def is_recorded(source: Source, name: str) -> bool:
    """Return whether the Git remote has the experiment of a trial; False if it does not answer."""
    ref = get_ref(source.commit, name)
    return bool(try_git(HERE, "ls-remote", source.repository, ref))


def fetch_experiments(source: Source, name: str) -> set[str]:
    """Fetch the experiments of a search from the Git remote; on this machine they are in the repository already.

    Return the names of those that there are; the others were removed.
    """
    if not source.remote:
        return set(list_experiments(source, name))
    refs = get_ref(source.commit, f"{name}-*")
    git(HERE, "fetch", "--quiet", "--no-write-fetch-head", "--no-tags", source.remote, f"{refs}:{refs}")
    return set(_parse_refs(git(HERE, "ls-remote", source.remote, refs)))


def list_experiments(source: Source, name: str) -> dict[str, str]:
    """Return the commits of the experiments of a search that are in this repository, by name."""
    pattern = get_ref(source.commit, f"{name}-*")
    return _parse_refs(try_git(HERE, "for-each-ref", "--format=%(objectname) %(refname)", pattern) or "")


def _parse_refs(text: str) -> dict[str, str]:
    return {ref.rpartition("/")[2]: commit for commit, ref in map(str.split, text.splitlines())}


def make_apply_command(source: Source, name: str) -> str:
    """Return the command that applies an experiment to the workspace; what ran elsewhere is pulled before it.

    `dvc exp apply` fails where data is missing, so that `&& dvc pull` after it would not run.
    """
    pull = f"dvc exp pull {source.remote} {name} && " if source.remote else ""
    return f"{pull}dvc exp apply {name}"


def _find_author() -> tuple[str, str]:
    name, email = (try_git(HERE, "config", f"user.{key}") for key in ("name", "email"))
    return name or "search", email or "search@localhost"
