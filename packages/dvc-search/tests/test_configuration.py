from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from dvc_search import sampling
from dvc_search.configuration import Configuration, read_configuration
from dvc_search.errors import SearchError
from dvc_search.task import Metric
from dvc_search.yaml_file import read_yaml
from searches import make_space

PARAMETERS = {"lr": 0.1, "optimizer": "sgd", "epochs": 10, "hidden_sizes": [128, 64], "train": {"momentum": 0}}
CONTENT = {
    "name": "lr",
    "metric": {"metrics.json": "validation.accuracy"},
    "direction": "maximize",
    "trials": 5,
    "space": {"lr": {"low": 0.01, "high": 1, "log": True}},
}


def read(folder: Path, **changes: Any) -> Configuration:
    path = folder / "search.yaml"
    YAML(typ="safe", pure=True).dump({key: value for key, value in (CONTENT | changes).items() if value != ""}, path)
    return read_configuration(path, PARAMETERS)


def find_errors(folder: Path, **changes: Any) -> list[str]:
    with pytest.raises(SearchError) as caught:
        read(folder, **changes)
    prefix = f"{folder}/search.yaml: "
    lines = str(caught.value).split("\n")
    assert all(line.startswith(prefix) for line in lines)
    return [line.removeprefix(prefix) for line in lines]


def test_defaults(tmp_path: Path) -> None:
    space = make_space(lr={"low": 0.01, "high": 1, "log": True})
    assert read(tmp_path) == Configuration(
        "lr",
        (Metric("metrics.json", "validation.accuracy"),),
        ("maximize",),
        "tpe",
        "none",
        5,
        0,
        "",
        space,
        {"lr": 0.1},
        path=tmp_path / "search.yaml",
    )


def test_space(tmp_path: Path) -> None:
    space = {
        "hidden_sizes": [[128, 64], [256]],
        "lr": {"low": 0.1, "high": 0.5, "step": 0.1},
        "optimizer": {"sgd": {"train.momentum": [0, 0.9]}, "adam": {}},
        "epochs": 20,
    }
    configuration = read(tmp_path, space=space)
    assert configuration.fixed == {"epochs": 20}
    assert [(parameter.name, parameter.values) for parameter in configuration.space] == [
        ("epochs", [20]),
        ("hidden_sizes", [[128, 64], [256]]),
        ("lr", [0.1, 0.5]),
        ("optimizer", ["adam", "sgd"]),
        ("train.momentum", [0, 0.9]),
    ]
    assert configuration.baseline == {
        "hidden_sizes": "[128, 64]",
        "lr": 0.1,
        "optimizer": "sgd",
        "train.momentum": 0,
    }


def test_values_of_params_yaml_outside_of_the_space(tmp_path: Path) -> None:
    configuration = read(tmp_path, space={"lr": [0.2, 0.3]})
    assert configuration.baseline is None
    assert configuration.note == "the values of params.yaml are not the first trial: lr 0.1 is not in the space"
    assert read(tmp_path, space={"lr": [0.2, 0.3]}, baseline=False).note == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sampler", "random"),
        ("sampler", "CmaEsSampler"),
        ("sampler", "QMCSampler"),
        ("sampler", {"tpe": {"multivariate": True}}),
        ("sampler", {"TPESampler": {"multivariate": True, "group": True}}),
        ("sampler", {"PartialFixedSampler": {"fixed_params": {"lr": 0.5}, "base_sampler": "random"}}),
        ("pruner", {"HyperbandPruner": {"min_resource": 1, "max_resource": 30}}),
        ("pruner", {"PatientPruner": {"wrapped_pruner": {"median": {"n_warmup_steps": 2}}, "patience": 2}}),
        ("pruner", {"PatientPruner": {"wrapped_pruner": None, "patience": 2}}),
    ],
)
def test_samplers_and_pruners_of_optuna(tmp_path: Path, key: str, value: object) -> None:
    read(tmp_path, **{key: value})


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("sampler", "CmaSampler", "sampler: there is no CmaSampler; did you mean CmaEsSampler?"),
        ("sampler", "GridSampler", "sampler: there is no GridSampler; did you mean grid?"),
        ("sampler", "x", "sampler: there is no x; it must be tpe, random, grid, BruteForceSampler, CmaEsSampler, "),
        ("sampler", {"TPESampler": {"x": 1}}, "sampler: TPESampler: TPESampler.__init__() got an unexpected keyword"),
        ("sampler", {"TPESampler": {"n_startup_trials": "1"}}, "sampler: TPESampler: '<' not supported between"),
        ("sampler", {"TPESampler": 1}, "sampler: {'TPESampler': 1} is not allowed; it must be a name, or a name with"),
        ("sampler", "grid", "space: lr: a range needs a step if the sampler is a grid"),
        ("pruner", {"HyperbandPruner": {"min_resource": 0}}, "pruner: HyperbandPruner: division by zero"),
        ("pruner", True, "pruner: True is not allowed; it must be a name, or a name with a mapping of arguments"),
        ("pruner", "hyperband", "pruner: there is no hyperband; did you mean HyperbandPruner?"),
    ],
)
def test_rejects_samplers_and_pruners(tmp_path: Path, key: str, value: object, error: str) -> None:
    (line,) = find_errors(tmp_path, **{key: value})
    assert line.startswith(error)


@pytest.mark.parametrize(("text", "seconds"), [("2h", 7200), ("1h30m", 5400), ("90s", 90), (90, 90), ("1.5h", 5400)])
def test_timeout(tmp_path: Path, text: object, seconds: float) -> None:
    assert read(tmp_path, timeout=text).timeout == seconds


def test_command_line_is_stronger_than_the_file(tmp_path: Path) -> None:
    read(tmp_path, space={"lr": [0.1, 0.2], "optimizer": ["sgd", "adam"]})
    path = tmp_path / "search.yaml"
    settings = {"name": "other", "trials": 3, "timeout": None}
    configuration = read_configuration(path, PARAMETERS, settings, {"lr": 0.5, "epochs": [1, 2]})
    assert (configuration.name, configuration.trials, configuration.timeout) == ("other", 3, None)
    assert {parameter.key: parameter.values for parameter in configuration.space} == {
        "lr": [0.5],
        "optimizer": ["sgd", "adam"],
        "epochs": [1, 2],
    }
    with pytest.raises(SearchError) as caught:
        read_configuration(path, PARAMETERS, {}, {"lr": [], "optimizer": 5})
    assert str(caught.value).split("\n") == [
        "-S lr: an empty list",
        "-S optimizer: 5 is a number, but params.yaml has a string: 'sgd'",
    ]


def test_several_metrics(tmp_path: Path) -> None:
    changes = {"metric": {"a.json": ["x", "y"], "b.json": "z"}, "direction": ["maximize", "minimize", "minimize"]}
    configuration = read(tmp_path, **changes)
    assert configuration.metrics == (Metric("a.json", "x"), Metric("a.json", "y"), Metric("b.json", "z"))
    read(tmp_path, pruner={"NopPruner": {}}, **changes)
    error = "metric: {'a.json': ['x', 'x']} has one twice"
    assert find_errors(tmp_path, metric={"a.json": ["x", "x"]}, direction=["maximize"] * 2) == [error]
    error = "pruner: 'median' is not allowed with several metrics, which Optuna cannot prune by"
    assert find_errors(tmp_path, pruner="median", **changes) == [error]
    (line,) = find_errors(tmp_path, sampler="CmaEsSampler", **changes)
    assert line.startswith("sampler: CmaEsSampler: If the study is being used for multi-objective")


def test_names_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "find_spec", lambda _: None)
    error = "sampler: GPSampler needs another package; to fix: pip install scipy torch"
    assert find_errors(tmp_path, sampler="GPSampler") == [error]


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("name", "a/b", "name: 'a/b' is not allowed; it must be letters, digits, - and _"),
        ("metric", "metrics.json", "metric: 'metrics.json' is not allowed; it must be a file and its key, such as"),
        ("direction", "up", "direction: 'up' is not allowed; it must be maximize or minimize, or a list"),
        ("timeout", "soon", "timeout: 'soon' is not allowed; it must be a time such as 2h, 1h30m or 90s"),
        ("timeout", 0, "timeout: 0 is not allowed; it must be a time such as 2h, 1h30m or 90s"),
        ("threads", 0, "threads: 0 is not allowed; it must be an integer of 1 or more"),
        ("direction", ["maximize"] * 2, "direction: 2 for 1 metrics; it must be a list with one for each metric"),
        (
            "metric",
            {"a": "b", "c": ["d", "e"]},
            "direction: 1 for 3 metrics; it must be a list with one for each metric",
        ),
        ("repeat", {"epochs": [1]}, "repeat: {'epochs': [1]} is not allowed; it must be one key of params.yaml with"),
        ("repeat", {"epochs": [1, "2"]}, "repeat: epochs: '2' is a string, but params.yaml has a number: 10"),
        ("repeat", {"epochs": [1, 1]}, "repeat: epochs: 1 is listed twice"),
        ("repeat", {"lr": [1, 2]}, "repeat: lr: also in the space"),
        ("baseline", 1, "baseline: 1 is not allowed; it must be true or false"),
        ("trials", 0, "trials: 0 is not allowed; it must be an integer of 1 or more"),
        ("trials", True, "trials: True is not allowed; it must be an integer of 1 or more"),
        ("trials", "", "trials: missing"),
        ("seed", -1, "seed: -1 is not allowed; it must be an integer of 0 or more"),
        ("validate", ["a"], "validate: ['a'] is not allowed; it must be a command"),
        ("trails", 3, "trails: unknown key; did you mean trials?"),
        ("space", [1], "space: [1] is not allowed; it must be a mapping of keys of params.yaml to lists, ranges and"),
        ("space", {}, "space: no parameter varies; it must have a list or a range"),
        ("space", {"epochs": [3], "lr": 1}, "space: no parameter varies; it must have a list or a range"),
    ],
)
def test_rejects_value(tmp_path: Path, key: str, value: object, error: str) -> None:
    (line,) = find_errors(tmp_path, **{key: value})
    assert line.startswith(error)


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("learning_rate", [1], "not a key of params.yaml; allowed keys are lr, optimizer, epochs, hidden_sizes, train"),
        ("optimiser", ["sgd"], "not a key of params.yaml; did you mean optimizer?"),
        ("lr.x", [1], "not a key of params.yaml"),
        ("lr", [], "an empty list"),
        ("lr", [0.1, 0.2, 0.1], "0.1 is listed twice"),
        ("lr", [{"low": 1}], "{'low': 1} is not allowed in a list; it must have scalars, or lists of scalars"),
        ("lr", [0.1, float("nan")], "nan is not finite"),
        (
            "train",
            {"momentum": [0]},
            "momentum: unknown key; allowed keys are low, high, log, step; a key within train ",
        ),
        ("lr", [0.1, "fast"], "'fast' is a string, but params.yaml has a number: 0.1"),
        ("lr", True, "True is a boolean, but params.yaml has a number: 0.1"),
        ("hidden_sizes", [128, 64], "128 is a number, but params.yaml has a list: [128, 64]"),
        ("optimizer", {"low": 1, "high": 2}, "1 is a number, but params.yaml has a string: 'sgd'"),
        ("lr", {"low": 1}, "high: missing"),
        ("lr", {"low": 1, "high": 2, "max": 3}, "max: unknown key; allowed keys are low, high, log, step"),
        ("lr", {"low": 2, "high": 1}, "`low <= high` must hold, but got (low=2, high=1)."),
        ("lr", {"low": "a", "high": 1}, "low: 'a' is not allowed; it must be a finite number"),
        ("lr", {"low": 1, "high": float("inf")}, "high: inf is not allowed; it must be a finite number"),
        ("lr", {"low": 0, "high": 0.5, "log": True}, "`low > 0` must hold for `log=True`"),
        ("lr", {"low": 1, "high": 2, "log": 1}, "log: 1 is not allowed; it must be true or false"),
        ("lr", {"low": 0.1, "high": 9, "log": True, "step": 2}, "The parameter `step` is not supported when `log` is"),
        ("lr", {"low": 1, "high": 2, "step": 3}, "a range of one value"),
        ("lr", {"low": 1, "high": 2, "step": 0.5}, "step 0.5 must be an integer, as low and high are"),
        ("optimizer", {"sgd": {"lr": []}}, "sgd: lr: an empty list"),
        ("optimizer", {"sgd": {}, 5: {}}, "5 is a number, but params.yaml has a string: 'sgd'"),
    ],
)
def test_rejects_dimension(tmp_path: Path, key: str, value: object, error: str) -> None:
    (line,) = find_errors(tmp_path, space={key: value, "train.momentum": [0, 1]})
    assert line.startswith(f"space: {key}: {error}")


def test_rejects_all_at_once(tmp_path: Path) -> None:
    assert len(find_errors(tmp_path, name="", trials=-1, extra=1, space={"lr": [], "x": 1})) == 5


@pytest.mark.parametrize("branch", ["sgd", "adam"])
def test_rejects_key_that_is_twice_in_a_trial(tmp_path: Path, branch: str) -> None:
    space = {"optimizer": {"sgd": {"lr": [1, 2]}, "adam": {}}, "epochs": {1: {}, 2: {}}}
    assert read(tmp_path, space=space)
    space["optimizer"][branch] = space["epochs"][2] = {"lr": [3, 4]}  # type: ignore[index]
    assert find_errors(tmp_path, space=space) == ["space: lr: twice in the space, for the same trials"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: [1", ", line 1: "),
        ("a: 1\na: 2\n", ", line 2: found duplicate key"),
        ("- 1", ": must be a mapping of keys to values"),
        ("a: \x01", ": "),
    ],
)
def test_rejects_file(tmp_path: Path, text: str, error: str) -> None:
    path = tmp_path / "search.yaml"
    path.write_text(text)
    with pytest.raises(SearchError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}{error}")
    assert "\n" not in str(caught.value)


def test_rejects_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="no such file; run from the folder that contains it"):
        read_yaml(tmp_path / "search.yaml")
