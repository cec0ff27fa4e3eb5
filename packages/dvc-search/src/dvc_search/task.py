"""What the search sends to a worker and gets back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Direction = Literal["maximize", "minimize"]


class Metric(NamedTuple):
    """A number in a JSON or YAML file that a stage writes after each epoch; dots in the key separate levels."""

    file: str
    key: str


def get_ref(commit: str, name: str) -> str:
    """Return the Git ref of an experiment that is based on a commit, as DVC names it."""
    return f"refs/exps/{commit[:2]}/{commit[2:]}/{name}"


@dataclass(frozen=True)
class Task:
    """A trial to run.

    Attributes:
        name: name of the experiment.
        commit: hash of the commit that the experiment is based on.
        repository: URL of the Git remote, or path of a repository, that the experiment is pushed to.
        project: path of the DVC project in the Git repository; empty if it is the root.
        parameters: values by key of params.yaml; dots in a key separate levels.
        metrics: the metrics that are returned; the first is followed.
        author: name and email for the commit of the experiment.
        pushes_data: pull missing data from the default DVC remote, and push the outputs to it.
        patience: seconds to wait for a Git or DVC remote that does not answer.
        threads: threads that it may use; None: its share of the cores of the worker's machine.
    """

    name: str
    commit: str
    repository: str
    project: str
    parameters: dict[str, object]
    metrics: tuple[Metric, ...]
    author: tuple[str, str]
    pushes_data: bool
    patience: float
    threads: int | None = None

    @property
    def ref(self) -> str:
        """The Git ref of the experiment, as DVC names it."""
        return get_ref(self.commit, self.name)


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: `complete`: the experiment is on the Git remote, and its data on the DVC remote. `stopped`: on request.
            `failed`: a stage failed. `lost`: a process of a stage was killed. `unable`: the machine could not run it.
            `unrecorded`: a remote refused the experiment, or did not answer.
        values: the metrics that the experiment records, if complete.
        error: one line, if neither complete nor stopped.
        commit: hash of the experiment, if complete.
        log: the end of what its stages have printed.
    """

    state: Literal["complete", "stopped", "failed", "lost", "unable", "unrecorded"]
    values: tuple[float, ...] = ()
    error: str = ""
    commit: str = field(default="", compare=False)
    log: str = field(default="", compare=False)


class TrialError(Exception):
    """A trial did not end with an experiment; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        """Set the outcome."""
        super().__init__(outcome.error)
        self.outcome = outcome


class Control(NamedTuple):
    """What a trial calls while it runs.

    Attributes:
        report: called with step and value whenever a stage has written the metric.
        notify: called with a line that the user should read.
        should_stop: called ten times a second; True stops the trial, and nothing of it is recorded.
    """

    report: Callable[[int, float], None]
    notify: Callable[[str], None]
    should_stop: Callable[[], bool]
