"""What the cluster tells the search."""

from dataclasses import dataclass

from dvc_search.task import Outcome


@dataclass(frozen=True)
class Reported:
    """A running trial has written its metric."""

    name: str
    step: int
    value: float


@dataclass(frozen=True)
class Ended:
    """A trial has ended."""

    name: str
    outcome: Outcome


@dataclass(frozen=True)
class Lost:
    """A trial did not end, for a reason in its worker, and runs no more."""

    name: str
    reason: str


@dataclass(frozen=True)
class Notice:
    """Something about a worker that the user should read."""

    text: str


Event = Reported | Ended | Lost | Notice
