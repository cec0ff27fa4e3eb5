"""A configuration to change."""

from dataclasses import replace
from typing import Any

from search.configuration import Configuration
from search.space import Range
from search.task import Metric, Task

CONFIGURATION = Configuration(
    name="trial",
    metric=Metric("metrics.json", "validation.score"),
    direction="maximize",
    sampler="tpe",
    pruner="none",
    trials=20,
    seed=0,
    validate="",
    space={"lr": Range(0.01, 1.0, log=True)},
    fixed={"epochs": 2},
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def configure(**changes: Any) -> Configuration:
    """Return the configuration with changes."""
    return replace(CONFIGURATION, **changes)


def make_task(name: str, parameters: dict[str, object], **changes: Any) -> Task:
    """Describe a trial."""
    task = Task(name, COMMIT, ".", "", parameters, CONFIGURATION.metric, ("Tester", "tester@localhost"), False, 5.0)
    return replace(task, **changes)
