"""The space of a search: its parameters, each with a distribution of Optuna, and the choices under which they exist."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial, create_trial

# A choice as Optuna stores it: a list is written as JSON.
Choice = None | bool | int | float | str

# DVC rewrites dvc.lock after each stage, and can change the last digit of a float such as 5.910317077425305e-05.
SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True)
class Parameter:
    """A parameter of a search.

    Attributes:
        key: key of params.yaml; dots separate levels.
        distribution: Optuna's distribution of its values, or None if it has only one.
        values: the choices, or both ends of the range, or the only value.
        when: the choices of other parameters under which it exists, by key.
        name: what Optuna calls it: the key, and the branch if the key is in several.
    """

    key: str
    distribution: BaseDistribution | None
    values: Sequence[object]
    when: Mapping[str, Choice] = field(default_factory=dict)
    name: str = ""

    def decode(self, choice: Choice) -> object:
        """Return the value of a choice of the distribution: of a float, the first SIGNIFICANT_DIGITS."""
        if isinstance(self.distribution, FloatDistribution):
            rounded = float(f"{choice:.{SIGNIFICANT_DIGITS}g}")
            return min(max(rounded, self.distribution.low), self.distribution.high)
        if isinstance(self.distribution, IntDistribution):
            return choice
        return next(value for value in self.values if encode(value) == choice)


Space = Sequence[Parameter]


def encode(value: object) -> Choice:
    """Return what Optuna stores for a value."""
    return json.dumps(value) if isinstance(value, list) else value  # type: ignore[return-value]


def suggest(space: Space, trial: Trial) -> Trial:
    """Let Optuna choose each parameter that exists, unless that is chosen already. Return the trial."""
    _walk(space, partial(_suggest, trial))
    return trial


def get_values(space: Space, chosen: Mapping[str, Choice]) -> dict[str, object]:
    """Return the values of params.yaml, by key, for what Optuna has chosen, by name."""
    by_key = _walk(space, lambda parameter, _: chosen[parameter.name])
    return {
        parameter.key: parameter.decode(by_key[parameter.key])
        for parameter in space
        if parameter.when.items() <= by_key.items()
    }


def find_point(space: Space, values: Mapping[str, object]) -> dict[str, Choice]:
    """Return what Optuna would choose, by name, for values of params.yaml, by key.

    Raises:
        ValueError: a value is not in the space; the text says which.
    """
    point: dict[str, Choice] = {}

    def choose(parameter: Parameter, distribution: BaseDistribution) -> Choice:
        point[parameter.name] = choice = encode(values[parameter.key])
        try:  # whether it is in the distribution
            create_trial(value=0, params={"": choice}, distributions={"": distribution})
        except (ValueError, TypeError):
            raise ValueError(f"{parameter.key} {values[parameter.key]!r}") from None
        return choice

    _walk(space, choose)
    return point


def _walk(space: Space, choose: Callable[[Parameter, BaseDistribution], Choice]) -> dict[str, Choice]:
    """Return the choices by key; `choose` is called for each parameter that exists and has more than one value."""
    chosen: dict[str, Choice] = {}
    for parameter in space:
        if parameter.when.items() <= chosen.items():
            distribution = parameter.distribution
            chosen[parameter.key] = choose(parameter, distribution) if distribution else encode(parameter.values[0])
    return chosen


def _suggest(trial: Trial, parameter: Parameter, distribution: BaseDistribution) -> Choice:
    match distribution:
        case CategoricalDistribution(choices=choices):
            return trial.suggest_categorical(parameter.name, choices)
        case IntDistribution(low=low, high=high, step=step, log=log):
            return trial.suggest_int(parameter.name, low, high, step=step, log=log)
        case FloatDistribution(low=low, high=high, step=step, log=log):
            return trial.suggest_float(parameter.name, low, high, step=step, log=log)
    raise TypeError(distribution)
