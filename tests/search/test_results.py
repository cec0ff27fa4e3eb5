import math
from typing import Any

import pytest
from optuna.trial import FrozenTrial

from search.results import MIN_FOR_IMPORTANCE, Results
from tests.search.configurations import configure
from tests.search.trials import complete, fail, number, prune, run


def read(*trials: FrozenTrial, **changes: Any) -> Results:
    return Results(configure(**changes), number(trials))


def test_reads_states_and_values() -> None:
    curve = [0.5, 0.75]
    results = read(complete(0.9, curve), complete(0.8), prune(curve), prune(), fail("no", curve), run(curve), run())
    states = [result.state for result in results.all]
    assert states == ["best", "complete", "pruned", "pruned", "failed", "running", "running"]
    assert [result.value for result in results.all] == [0.9, 0.8, 0.75, None, None, 0.75, None]
    assert results.all[2].name == "trial-2"
    assert results.all[2].curve == {1: 0.5, 2: 0.75}


@pytest.mark.parametrize(
    ("direction", "best", "ranking"), [("maximize", [1, 4], [4, 1, 3]), ("minimize", [1, 3], [3, 1, 4])]
)
def test_ranks_complete_trials(direction: str, best: list[int], ranking: list[int]) -> None:
    trials = [
        prune([0.95, 0.05]),
        complete(0.5),
        fail(),
        complete(0.1),
        complete(0.9),
        complete(0.5),
        run([0.99, 0.01]),
    ]
    results = read(*trials, direction=direction)
    assert [result.number for result in results.ranking] == [*ranking[:2], 5, ranking[2]]
    assert [result.number for result in results.list_best_so_far()] == best
    assert [result.number for result in results.all if result.state == "best"] == ranking[:1]


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_values_that_are_not_finite_count_as_none(value: float) -> None:
    results = read(complete(value, [math.nan, 0.5, value]), complete(0.5), prune([0.25, math.nan]))
    assert [result.value for result in results.all] == [None, 0.5, 0.25]
    assert results.all[0].curve == {2: 0.5}
    assert [result.number for result in results.ranking] == [1]


def test_importance() -> None:
    count = 2 * MIN_FOR_IMPORTANCE
    trials = [complete(place, lr=0.001 * 1.3**place, epochs=1 + place % 3) for place in range(count)]
    importances = read(*trials).get_importances()
    assert list(importances) == ["lr", "epochs", "hidden_sizes"]
    assert importances["lr"] > 0.8
    assert sum(importances.values()) == pytest.approx(1)
    assert read(*trials).get_importances() == importances  # no random numbers
    assert read(*trials[: MIN_FOR_IMPORTANCE - 1], *[fail()] * count).get_importances() == {}


def test_no_importance_if_all_values_are_equal() -> None:
    assert read(*(complete(0.5, lr=0.001 * 1.3**place) for place in range(MIN_FOR_IMPORTANCE))).get_importances() == {}
