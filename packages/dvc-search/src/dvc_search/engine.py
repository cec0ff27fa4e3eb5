"""What the driver needs to run trials: an engine, and which runs there are."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from optuna.trial import Trial

from dvc_search import events
from dvc_search.task import Outcome, Task


class Engine(Protocol):
    """What runs the trials: dvc_search.cluster.Cluster."""

    def has_free_worker(self) -> bool:
        """Return whether a trial can be started."""

    def start(self, task: Task) -> None:
        """Start a trial on a free worker."""

    def stop(self, name: str) -> None:
        """Ask a trial to stop."""

    def wait(self, seconds: float) -> Iterator[events.Event]:
        """Yield what has happened."""


@dataclass
class Asked:
    """A trial that Optuna was asked for.

    Attributes:
        trial: Optuna's.
        outcomes: those of its complete runs, by name.
        is_pruned: the pruner has stopped it.
        has_failed: one of its runs has failed.
    """

    trial: Trial
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    is_pruned: bool = False
    has_failed: bool = False


@dataclass
class Run:
    """A run of a trial: the only one, or that with a value of `repeat`.

    Attributes:
        asked: the trial.
        number: position of the value in `repeat`.
        attempts: how often it was started.
    """

    asked: Asked
    number: int = 0
    attempts: int = 0
