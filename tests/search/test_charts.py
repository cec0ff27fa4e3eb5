import json
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution
from optuna.trial import FrozenTrial

from search import charts
from search.results import Results
from tests.search.configurations import configure
from tests.search.trials import DISTRIBUTIONS, complete, fail, number, prune, run


def read(*trials: FrozenTrial) -> Results:
    return Results(configure(), number(trials))


def get_rows(chart: Any, layer: int, *fields: str) -> list[tuple[object, ...]]:
    return [tuple(row[field] for field in fields) for row in chart["layer"][layer]["data"]["values"]]


def test_values_by_trial() -> None:
    chart = charts.draw_values(read(complete(0.5), fail(), prune([0.25]), complete(0.75), run(), complete(0.5)))
    assert get_rows(chart, 1, "trial", "value") == [(0, 0.5), (3, 0.75), (5, 0.75)]
    states = [(0, "complete"), (5, "complete"), (1, "failed"), (2, "pruned"), (3, "best")]
    assert get_rows(chart, 2, "trial", "state") == states
    assert chart["encoding"]["x"]["scale"]["domain"] == [0, 5]
    encoding = chart["layer"][2]["encoding"]
    assert encoding["color"]["scale"]["domain"] == encoding["shape"]["scale"]["domain"]
    assert encoding["color"]["scale"]["domain"] == ["best", "pruned", "failed", "complete"]
    assert encoding["y"]["title"] == "validation.score"


def test_no_string_of_the_templates_is_left() -> None:
    results = read(complete(0.5, [0.25, 0.5]))
    drawn = [charts.draw_values(results), charts.draw_curves(results), charts.draw_importances({"lr": 1.0})]
    drawn += [charts.draw_parameter(results, key, value) for key, value in DISTRIBUTIONS.items()]
    assert '"$' not in json.dumps(drawn)


def test_curves() -> None:
    chart = charts.draw_curves(read(complete(0.75, [0.5, 1.0]), prune([0.25]), fail("", [0.125]), complete(0.5)))
    rows = [("trial-2", 1, 0.875), ("trial-1", 1, 0.75), ("trial-0", 1, 0.5), ("trial-0", 2, 0.0)]
    assert get_rows(chart, 0, "name", "step", "value") == rows  # the distance to the best
    assert get_rows(chart, 1, "state", "text") == [("failed", "0.125"), ("pruned", "0.25"), ("best", "1")]


@pytest.mark.parametrize(
    ("key", "kind", "domain"),
    [("lr", "log", [0.001, 1.0]), ("epochs", "linear", [1, 3]), ("hidden_sizes", None, ["[128, 64]", "[32]", "null"])],
)
def test_axis_of_a_parameter_has_all_that_is_allowed(key: str, kind: str | None, domain: list[object]) -> None:
    chart = charts.draw_parameter(read(complete(0.5), fail()), key, DISTRIBUTIONS[key])
    axis = chart["layer"][1]["encoding"]["x"]
    assert (axis["scale"].get("type"), axis["scale"]["domain"]) == (kind, domain)
    assert axis["title"] == (f"{key} (log scale)" if kind == "log" else key)
    assert len(get_rows(chart, 1, "parameter")) == 2


def test_values_of_a_parameter() -> None:
    results = read(complete(0.5, hidden_sizes=None, epochs=3), complete(0.75, lr=0.5))
    found = {
        key: get_rows(charts.draw_parameter(results, key, DISTRIBUTIONS[key]), 1, "parameter", "value")
        for key in DISTRIBUTIONS
    }
    assert found == {
        "lr": [(0.1, 0.5), (0.5, 0.75)],
        "epochs": [(3, 0.5), (2, 0.75)],
        "hidden_sizes": [("null", 0.5), ("[32]", 0.75)],
    }


def test_long_choices_are_slanted() -> None:
    results = read(complete(0.5))
    distribution = CategoricalDistribution(["[32]", "a" * 40])
    assert (
        charts.draw_parameter(results, "hidden_sizes", distribution)["layer"][1]["encoding"]["x"]["axis"]["labelAngle"]
        == -40
    )


def test_importances() -> None:
    chart = charts.draw_importances({"lr": 0.75, "epochs": 0.25})
    assert chart["data"]["values"] == [
        {"parameter": "lr", "importance": 0.75},
        {"parameter": "epochs", "importance": 0.25},
    ]
