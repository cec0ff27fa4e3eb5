"""Trials that have ended, without running them."""

from collections.abc import Sequence
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

DISTRIBUTIONS: dict[str, BaseDistribution] = {
    "lr": FloatDistribution(0.001, 1.0, log=True),
    "epochs": IntDistribution(1, 3),
    "hidden_sizes": CategoricalDistribution(["[128, 64]", "[32]", None]),
}
PARAMETERS = {"lr": 0.1, "epochs": 2, "hidden_sizes": "[32]"}


def complete(value: float, curve: Sequence[float] = (), **parameters: Any) -> FrozenTrial:
    """Return a complete trial that has reported the values of `curve` at the steps 1, 2 and so on."""
    return _create(TrialState.COMPLETE, curve, parameters, value=value)


def prune(curve: Sequence[float] = (), **parameters: Any) -> FrozenTrial:
    """Return a pruned trial."""
    return _create(TrialState.PRUNED, curve, parameters)


def fail(error: str = "diverged", curve: Sequence[float] = (), **parameters: Any) -> FrozenTrial:
    """Return a failed trial."""
    return _create(TrialState.FAIL, curve, parameters, user_attrs={"error": error})


def run(curve: Sequence[float] = (), **parameters: Any) -> FrozenTrial:
    """Return a running trial."""
    return _create(TrialState.RUNNING, curve, parameters)


def number(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Give each trial its number, as a study does."""
    for position, trial in enumerate(trials):
        trial.number = position
    return list(trials)


def _create(state: TrialState, curve: Sequence[float], parameters: dict[str, Any], **others: Any) -> FrozenTrial:
    return create_trial(
        state=state,
        params=PARAMETERS | parameters,
        distributions=DISTRIBUTIONS,
        intermediate_values=dict(enumerate(curve, start=1)),
        **others,
    )
