"""The space of a search: the values that each parameter can take."""

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

# A choice as Optuna stores it: a list is written as JSON.
Choice = None | bool | int | float | str

# DVC rewrites dvc.lock after each stage, and can change the last digit of a float such as 5.910317077425305e-05.
SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True)
class Choices:
    """A parameter that takes one of some values: scalars, or lists of scalars."""

    values: tuple[object, ...]

    def make_distribution(self) -> BaseDistribution:
        """Return Optuna's distribution of the parameter."""
        return CategoricalDistribution([encode(value) for value in self.values])

    def decode(self, choice: Choice) -> object:
        """Return the value of a choice of the distribution."""
        return next(value for value in self.values if encode(value) == choice)

    def list_points(self) -> list[Choice] | None:
        """List the choices of a grid."""
        return [encode(value) for value in self.values]

    def list_extremes(self) -> Sequence[object]:
        """List the values that are validated before the search starts: all."""
        return self.values


@dataclass(frozen=True)
class Range:
    """A number between two others, both included; an integer if both are. `log` samples its logarithm uniformly."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def is_integer(self) -> bool:
        """Whether the parameter is an integer."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def make_distribution(self) -> BaseDistribution:
        """Return Optuna's distribution of the parameter."""
        if self.is_integer:
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=int(self.step or 1))
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def decode(self, choice: Choice) -> object:
        """Return the value of a choice of the distribution: of a float, the first SIGNIFICANT_DIGITS."""
        if not isinstance(choice, float):
            return choice
        return min(max(float(f"{choice:.{SIGNIFICANT_DIGITS}g}"), self.low), self.high)

    def list_points(self) -> list[Choice] | None:
        """List the choices of a grid, or None if there is no step."""
        step = self.step or (1 if self.is_integer and not self.log else None)
        if step is None:
            return None
        count = math.floor((self.high - self.low) / step + 1e-8) + 1
        points = [Decimal(str(self.low)) + number * Decimal(str(step)) for number in range(count)]  # 0.3, not 0.1 * 3
        return [int(point) if self.is_integer else float(point) for point in points]

    def list_extremes(self) -> Sequence[object]:
        """List the values that are validated before the search starts: both ends."""
        return self.low, self.high


Dimension = Choices | Range


def encode(value: object) -> Choice:
    """Return what Optuna stores for a value."""
    return json.dumps(value) if isinstance(value, list) else value  # type: ignore[return-value]


def list_grid(space: Mapping[str, Dimension]) -> Iterator[dict[str, Choice]]:
    """Yield all combinations of the points of all dimensions, the last key changing fastest."""
    points = [dimension.list_points() or [] for dimension in space.values()]
    for combination in itertools.product(*points):
        yield dict(zip(space, combination, strict=True))
