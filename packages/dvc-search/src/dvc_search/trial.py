"""Run a trial on a worker. Knows Git and DVC, and nothing of the cluster."""

import json
from dataclasses import replace

from dvc_search.clone import Clone, find_folder, open_clone
from dvc_search.git import git, try_git
from dvc_search.log import find_log, read_end
from dvc_search.metric import Follower
from dvc_search.process import KILLED, find_error, find_machine_error, run_dvc
from dvc_search.record import RemoteError, fetch_experiment, push_experiment, read_values_of_experiment, wait_for_remote
from dvc_search.task import Control, Outcome, Task, TrialError

FAILED_STAGE = "failed to run: "  # in what dvc prints, if it is not the remote that fails


def run_trial(task: Task, control: Control) -> Outcome:
    """Run the pipeline with the parameters of a trial, and push the experiment, unless it is on the Git remote already.

    A trial can be run again at any time, also by two workers at once.
    """
    try:
        outcome = wait_for_remote(task, control, lambda: _run_in_clone(task, control))
    except TrialError as error:
        outcome = error.outcome
    return replace(outcome, log=read_end(find_log(find_folder(task), task.name)))


def _run_in_clone(task: Task, control: Control) -> Outcome:
    with open_clone(task) as clone:
        if not fetch_experiment(clone, task):
            _run_pipeline(clone, task, control)
            read_values_of_experiment(clone, task)  # a metric that is missing or not finite is not pushed
            wait_for_remote(task, control, lambda: push_experiment(clone, task, control))
        values = read_values_of_experiment(clone, task)
        return Outcome("complete", values, commit=git(clone.folder, "rev-parse", task.ref))


def _run_pipeline(clone: Clone, task: Task, control: Control) -> None:
    project = clone.folder / task.project
    follower = Follower(project, task.metrics[0])

    def follow() -> bool:
        if progress := follower.poll():
            control.report(*progress)
        return control.should_stop()

    if try_git(clone.folder, "rev-parse", "--verify", "--quiet", task.ref):  # of an attempt whose push failed
        git(clone.folder, "update-ref", "-d", task.ref)
    changes = [argument for key, value in task.parameters.items() for argument in ("-S", f"{key}={to_override(value)}")]
    pull = ["--pull"] if task.pushes_data else []
    log = find_log(find_folder(task), task.name)
    ended = run_dvc(
        ["exp", "run", *pull, "--name", task.name, *changes], project, clone.lock, follow, log, task.threads
    )
    if ended.status is None:
        raise TrialError(Outcome("stopped"))
    if not ended.status:
        return
    if error := find_machine_error(ended.output):
        raise TrialError(Outcome("unable", error=error))
    if KILLED.search(ended.output):
        raise TrialError(Outcome("lost", error="a stage was killed"))
    if task.pushes_data and FAILED_STAGE not in ended.output:
        raise RemoteError(f"dvc exp run: {find_error(ended.output)}")  # --pull
    raise TrialError(Outcome("failed", error=find_error(ended.output)))


def to_override(value: object) -> str:
    """Format a value as `dvc exp run -S` reads it; strings are quoted, or "1" would be a number."""
    if isinstance(value, list):
        return f"[{','.join(map(to_override, value))}]"
    return json.dumps(value, ensure_ascii=False)
