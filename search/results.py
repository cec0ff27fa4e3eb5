"""The results of a search, as its page shows them."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import optuna
from optuna.trial import FrozenTrial, TrialState

from search.configuration import Configuration

STATES = {
    TrialState.FAIL: "failed",
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
    TrialState.PRUNED: "pruned",
    TrialState.COMPLETE: "complete",
}
# With fewer trials, parameters without any effect often get a third of the importance.
MIN_FOR_IMPORTANCE = 10


class Result(NamedTuple):
    """A trial.

    Attributes:
        number: its number.
        name: name of its experiment.
        state: `complete`, `pruned`, `failed`, `running`, `waiting`, or `best` for the complete one with the best value.
        value: the value if it is complete, the last one that it has reported if not, None if that is not finite.
        curve: the finite values that it has reported, by step.
        trial: the trial.
    """

    number: int
    name: str
    state: str
    value: float | None
    curve: Mapping[int, float]
    trial: FrozenTrial


class Results:
    """All trials of a search.

    Attributes:
        metric: name of the value.
        is_maximized: whether higher values are better.
        all: all trials, by number.
        ranking: the complete trials with a value, the best first.
    """

    def __init__(self, configuration: Configuration, trials: Sequence[FrozenTrial]) -> None:
        """Rank the trials of a search."""
        self.metric = configuration.metric.key
        self.is_maximized = configuration.direction == "maximize"
        self.all = sorted(_read(trial, configuration.name) for trial in trials)
        complete = [result for result in self.all if result.state == "complete" and result.value is not None]
        self.ranking = sorted(complete, key=self._get_loss)
        if self.ranking:
            best = self.ranking[0]
            self.ranking[0] = self.all[self.all.index(best)] = best._replace(state="best")

    def list_best_so_far(self) -> list[Result]:
        """List the trials that were better than all before."""
        found: list[Result] = []
        for result in sorted(self.ranking):
            if not found or self._get_loss(result) < self._get_loss(found[-1]):
                found.append(result)
        return found

    def get_importances(self) -> dict[str, float]:
        """Return the share of each parameter in the variance of the value, the largest first; empty if unknown."""
        if len(self.ranking) < MIN_FOR_IMPORTANCE:
            return {}
        study = optuna.create_study(direction="maximize" if self.is_maximized else "minimize")
        study.add_trials([result.trial for result in self.ranking])
        try:
            evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
            importances = optuna.importance.get_param_importances(study, evaluator=evaluator)
        except RuntimeError:  # all values are equal
            return {}
        return {key: float(value) for key, value in importances.items()}

    def _get_loss(self, result: Result) -> float:
        value = result.value or 0.0
        return -value if self.is_maximized else value


def _read(trial: FrozenTrial, search: str) -> Result:
    curve = {step: value for step, value in sorted(trial.intermediate_values.items()) if math.isfinite(value)}
    value = trial.value if trial.state == TrialState.COMPLETE else next(reversed(curve.values()), None)
    if trial.state == TrialState.FAIL or (value is not None and not math.isfinite(value)):
        value = None
    return Result(trial.number, f"{search}-{trial.number}", STATES[trial.state], value, curve, trial)
