"""A configuration to change, and trials that were not run."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from optuna.trial import Trial

from dvc_search.configuration import Configuration
from dvc_search.parameters import parse_space
from dvc_search.repository import Source
from dvc_search.space import Parameter
from dvc_search.study import Study
from dvc_search.task import Metric, Outcome, Task

PARAMETERS = {"lr": 0.1, "optimizer": "sgd", "momentum": 0, "epochs": 1, "sizes": [1], "seed": 0}
PARAMETERS["train"] = {"sizes": [1]}


def make_space(**content: Any) -> list[Parameter]:
    """Return the parameters that `space` in search.yaml stands for."""
    errors: dict[str, str] = {}
    space = parse_space(content, PARAMETERS, errors)
    assert not errors
    return space


CONFIGURATION = Configuration(
    name="trial",
    metrics=(Metric("metrics.json", "validation.score"),),
    directions=("maximize",),
    sampler="tpe",
    pruner="none",
    trials=20,
    seed=0,
    validate="",
    space=make_space(epochs=2, lr={"low": 0.01, "high": 1.0, "log": True}),
    baseline=None,
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOURCE = Source(COMMIT, ".", "", ("Tester", "tester@localhost"), "")


def configure(**changes: Any) -> Configuration:
    """Return the configuration with changes."""
    return replace(CONFIGURATION, **changes)


def make_task(name: str, parameters: dict[str, object], **changes: Any) -> Task:
    """Describe a trial."""
    task = Task(name, COMMIT, ".", "", parameters, CONFIGURATION.metrics, SOURCE.author, False, 5.0)
    return replace(task, **changes)


def open_study(**changes: Any) -> Study:
    """Open the study of the configuration with changes."""
    study = Study(configure(**changes))
    if study.is_new:
        study.begin(COMMIT)
    return study


def ask(study: Study) -> Trial:
    """Ask for a trial; there must be one."""
    trial = study.ask()
    assert trial is not None
    return trial


def complete(study: Study, trial: Trial, *values: float) -> None:
    """Complete a trial with a value for each metric."""
    study.complete(trial, {study.list_names(trial)[0]: Outcome("complete", values, commit=COMMIT)})


def report(study: Study, trial: Trial, values: Sequence[float]) -> None:
    """Report values at the steps 1, 2 and so on."""
    for step, value in enumerate(values, start=1):
        study.report(trial, step, value)


def list_states(study: Study) -> list[str]:
    """List the states of all trials."""
    return [trial.state.name for trial in study.list_counted()]
