"""The experiment of a trial on the remotes.

The data is pushed before the ref of the experiment: an experiment that can be seen can be pulled. Pushing the ref is
the commit point, and can be done only once.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from dvc_search.clone import Clone
from dvc_search.errors import GitError
from dvc_search.git import git, try_git
from dvc_search.metric import find, parse, read_value
from dvc_search.process import find_error, find_machine_error, run_dvc
from dvc_search.task import Control, Metric, Outcome, Task, TrialError

FIRST_WAIT, LAST_WAIT = 1.0, 30.0  # seconds between two attempts to reach a remote

Result = TypeVar("Result")


class RemoteError(Exception):
    """The DVC remote does not answer, or does not take the outputs; the text is one line."""


def wait_for_remote(task: Task, control: Control, action: Callable[[], Result]) -> Result:
    """Call `action` until the remotes answer.

    Raises:
        TrialError: a remote has rejected the experiment, or did not answer for as long as the task says; or the disk is
            full.
    """
    end, wait = time.monotonic() + task.patience, FIRST_WAIT
    while True:
        try:
            return action()
        except (GitError, RemoteError) as error:
            if find_machine_error(str(error)):
                raise TrialError(Outcome("unable", error=str(error))) from error
            if "rejected" in str(error) or time.monotonic() + wait > end:
                raise TrialError(Outcome("unrecorded", error=str(error))) from error
            control.notify(f"waits for a remote: {error}")
        pause_end = time.monotonic() + wait
        while time.monotonic() < pause_end:
            if control.should_stop():
                raise TrialError(Outcome("stopped"))
            time.sleep(0.1)
        wait = min(2 * wait, LAST_WAIT)


def fetch_experiment(clone: Clone, task: Task) -> bool:
    """Fetch the experiment, and return whether the Git remote has it."""
    if not git(clone.folder, "ls-remote", "origin", task.ref):
        return False
    git(clone.folder, "fetch", "--quiet", "origin", f"+{task.ref}:{task.ref}")
    return True


def push_experiment(clone: Clone, task: Task, control: Control) -> None:
    """Push the outputs to the DVC remote, then the ref to the Git remote, unless another attempt was first.

    Raises:
        RemoteError: the DVC remote did not take the outputs.
        GitError: the Git remote did not take the ref, and has no other experiment of this name.
    """
    if task.pushes_data:
        ended = run_dvc(["push"], clone.folder / task.project, clone.lock, control.should_stop)
        if ended.status is None:
            raise TrialError(Outcome("stopped"))
        if ended.status:
            raise RemoteError(f"dvc push: {find_error(ended.output)}")
    try:
        git(clone.folder, "push", "--quiet", "origin", f"{task.ref}:{task.ref}")
    except GitError:
        if not fetch_experiment(clone, task):
            raise


def read_values_of_experiment(clone: Clone, task: Task) -> tuple[float, ...]:
    """Return the metrics that the experiment records, which may be those of another attempt.

    Raises:
        TrialError: the experiment has other parameters, or a metric that is missing or not finite.
    """
    parameters = parse(_show(clone.folder, task, "params.yaml"), "params.yaml")
    if any(_find(parameters, key) != value for key, value in task.parameters.items()):
        text = f"an experiment {task.name} with other parameters is on the Git remote; choose another name"
        raise TrialError(Outcome("unrecorded", error=text))
    return tuple(_read_value(clone, task, metric) for metric in task.metrics)


def _read_value(clone: Clone, task: Task, metric: Metric) -> float:
    try:
        value = read_value(_show(clone.folder, task, metric.file), metric)
    except ValueError as error:
        raise TrialError(Outcome("failed", error=f"{error} of the experiment")) from None
    if not math.isfinite(value):
        raise TrialError(Outcome("failed", error=f"{metric.file}: {metric.key} is {value}"))
    return value


def _find(content: Any, key: str) -> Any:
    try:
        return find(content, key)
    except KeyError:
        return None


def _show(folder: Path, task: Task, path: str) -> str:
    return try_git(folder, "show", f"{task.ref}:{Path(task.project, path)}") or ""
