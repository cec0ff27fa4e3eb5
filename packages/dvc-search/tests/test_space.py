from typing import Any

import optuna
import pytest

from dvc_search.space import Parameter, encode, find_point, get_values, suggest
from dvc_search.values import format_parameters
from searches import make_space

CONDITIONAL = make_space(
    optimizer={"sgd": {"momentum": [0, 0.9], "lr": {"low": 0.1, "high": 0.5}}, "adam": {"lr": [0.001, 0.01]}},
    epochs=3,
)


def draw(space: list[Parameter], **point: object) -> tuple[dict[str, Any], dict[str, object]]:
    """Return what Optuna chooses, and the values of params.yaml for it."""
    study = optuna.create_study()
    study.enqueue_trial(point)
    trial = suggest(space, study.ask())
    return trial.params, get_values(space, trial.params)


def test_branches_have_their_own_parameters() -> None:
    chosen, values = draw(CONDITIONAL, **{"optimizer": "sgd", "momentum": 0.9, "lr (optimizer=sgd)": 0.123456789})
    assert chosen == {"optimizer": "sgd", "momentum": 0.9, "lr (optimizer=sgd)": 0.123456789}
    assert values == {"epochs": 3, "optimizer": "sgd", "momentum": 0.9, "lr": 0.123457}
    _, values = draw(CONDITIONAL, **{"optimizer": "adam", "lr (optimizer=adam)": 0.01})
    assert values == {"epochs": 3, "optimizer": "adam", "lr": 0.01}


def test_nested_branches() -> None:
    space = make_space(optimizer={"sgd": {"momentum": {0: {}, 0.9: {"epochs": 5}}}, "adam": None})
    assert draw(space, optimizer="sgd", momentum=0.9)[1] == {"optimizer": "sgd", "momentum": 0.9, "epochs": 5}
    assert draw(space, optimizer="sgd", momentum=0)[1] == {"optimizer": "sgd", "momentum": 0}
    assert draw(space, optimizer="adam")[1] == {"optimizer": "adam"}


def test_point_of_values() -> None:
    values = {"optimizer": "sgd", "momentum": 0, "lr": 0.2, "epochs": 10}
    assert find_point(CONDITIONAL, values) == {"optimizer": "sgd", "momentum": 0, "lr (optimizer=sgd)": 0.2}
    with pytest.raises(ValueError, match=r"^lr 0\.2$"):
        find_point(CONDITIONAL, values | {"optimizer": "adam"})
    with pytest.raises(ValueError, match=r"^momentum 0\.5$"):
        find_point(CONDITIONAL, values | {"momentum": 0.5})
    assert find_point(make_space(sizes=[[1], [2]]), {"sizes": [2]}) == {"sizes": "[2]"}


def test_values_keep_their_type() -> None:
    (sizes,) = make_space(sizes=[[128, 64], [], [1, None]])
    assert [sizes.decode(encode(value)) for value in sizes.values] == list(sizes.values)
    (epochs,) = make_space(epochs={"low": 16, "high": 256, "log": True})
    assert type(get_values([epochs], draw([epochs], epochs=17)[0])["epochs"]) is int


def test_floats_are_rounded_to_what_dvc_does_not_change() -> None:
    """DVC's parser of round trips rewrites 5.910317077425305e-05 as 5.910317077425304e-05."""
    (lr,) = make_space(lr={"low": 1e-6, "high": 0.123456789, "log": True})
    assert lr.decode(5.910317077425305e-05) == 5.91032e-05
    assert [lr.decode(end) for end in (1e-6, 0.123456789)] == [1e-6, 0.123456789]  # not 0.123457


def test_parameters_are_formatted_as_yaml() -> None:
    parameters = {"sizes": [1, 2], "a": "b", "lr": 1e-05, "x": 0.1234567, "nesterov": True, "none": None}
    assert format_parameters(parameters) == "sizes=[1, 2] a=b lr=1e-05 x=0.123457 nesterov=true none=null"
