import sqlite3
from pathlib import Path
from typing import Any

import optuna
import pytest

from dvc_search.errors import SearchError
from dvc_search.study import Study
from dvc_search.task import Metric, Outcome
from searches import COMMIT, ask, complete, configure, make_space, open_study

pytestmark = pytest.mark.usefixtures("memory_folder")


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_resumed_search_goes_on_with_other_points(sampler: str) -> None:
    first = open_study(sampler=sampler, trials=12)
    values = []
    for _ in range(6):
        trial = ask(first)
        values.append(trial.params["lr"])
        complete(first, trial, 0.5)
    resumed = open_study(sampler=sampler, trials=12)
    values += [ask(resumed).params["lr"] for _ in range(6)]
    assert len(set(values)) == 12
    assert resumed.list_counted()[-1].number == 11  # no point was drawn again
    assert resumed.commit == COMMIT


def test_same_seed_gives_same_points() -> None:
    def draw(seed: int, name: str) -> list[float]:
        study = open_study(seed=seed, name=name)
        return [ask(study).params["lr"] for _ in range(3)]

    assert draw(1, "a") == draw(1, "b") != draw(2, "c")


def test_equal_points_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dvc_search.study.MAX_REPEATED", 20)
    space = make_space(lr=[0.1, 0.2, 0.3])
    study = open_study(space=space, sampler="random", trials=3)
    assert sorted(ask(study).params["lr"] for _ in range(3)) == [0.1, 0.2, 0.3]
    more = open_study(space=space, sampler="random", trials=4)
    assert more.ask() is None  # and does not draw forever
    assert len(more.list_counted()) == 3


def test_grid_has_every_point_of_every_branch_once() -> None:
    """Also while other trials run, after a resume, and after a process was killed while it asked."""
    space = make_space(
        epochs=2, optimizer={"sgd": {"momentum": [0, 0.9], "lr": {"low": 0.1, "high": 0.3, "step": 0.1}}, "adam": {}}
    )
    changes: dict[str, Any] = {"sampler": "grid", "space": space}
    study = open_study(**changes)
    trials = [ask(study) for _ in range(2)]
    complete(study, trials[0], 0.5)
    killed = optuna.load_study(study_name="trial", storage="sqlite:///.dvc/tmp/search/trial.db").ask()
    killed.suggest_categorical("optimizer", ["sgd", "adam"])
    resumed = open_study(**changes)
    trials = [trials[0], *resumed.list_running()]
    while trial := resumed.ask():
        trials.append(trial)
    values = [resumed.get_values(trial) for trial in trials]
    expected = [{"optimizer": "sgd", "momentum": momentum, "lr": lr} for momentum in (0, 0.9) for lr in (0.1, 0.2, 0.3)]
    expected.append({"optimizer": "adam"})
    assert len(values) == 7
    assert all({"epochs": 2} | point in values for point in expected)
    assert len(resumed.list_trials()) - 7 <= 2  # no point was drawn again and again


def test_values_of_params_yaml_are_the_first_trial() -> None:
    study = open_study(baseline={"lr": 0.25}, trials=1)
    assert study.list_counted() == []
    assert study.get_values(ask(study)) == {"epochs": 2, "lr": 0.25}
    assert study.ask() is None
    assert ask(open_study(baseline={"lr": 0.25}, trials=2)).params["lr"] != 0.25


@pytest.mark.parametrize("sampler", ["CmaEsSampler", "QMCSampler"])
def test_samplers_of_optuna_resume(sampler: object) -> None:
    lrs = set()
    for _ in range(4):
        study = open_study(sampler=sampler)
        trial = ask(study)
        complete(study, trial, -((trial.params["lr"] - 0.3) ** 2))
        lrs.add(trial.params["lr"])
    assert len(lrs) == 4
    assert len(study.list_trials()) == 4


def test_trial_without_parameters_gets_them() -> None:
    study = open_study(trials=1)
    optuna.load_study(study_name="trial", storage="sqlite:///.dvc/tmp/search/trial.db").ask()  # killed here
    study = open_study(trials=1)
    (trial,) = study.list_running()
    assert trial.params.keys() == {"lr"}


def test_repeated_reports_are_ignored() -> None:
    study = open_study(pruner="median")
    trial = ask(study)
    study.report(trial, 1, 0.5)
    study.report(trial, 1, 0.75)
    (found,) = open_study().list_running()
    study.report(found, 1, 0.25)
    assert study.list_counted()[0].intermediate_values == {1: 0.5}


@pytest.mark.parametrize("pruner", ["none", "median", "asha"])
def test_prunes(pruner: str) -> None:
    study = open_study(pruner=pruner)
    for value in (0.5, 0.6, 0.7, 0.8, 0.9, 0.1):
        trial = ask(study)
        should_prune = [study.report(trial, step, value) for step in range(5)]
        complete(study, trial, value)
    assert any(should_prune) == (pruner != "none")


def test_stores_how_trials_ended() -> None:
    study = open_study()
    ended, pruned, failed = (ask(study) for _ in range(3))
    complete(study, ended, 0.25)
    study.prune(pruned)
    study.fail(failed, "lr: too high")
    found = open_study().list_counted()
    assert [trial.state.name for trial in found] == ["COMPLETE", "PRUNED", "FAIL"]
    assert found[2].user_attrs == {"error": "lr: too high"}


@pytest.mark.parametrize(("direction", "expected"), [("maximize", [2, 1, 0]), ("minimize", [0, 1, 2])])
def test_lists_best(direction: str, expected: list[int]) -> None:
    study = open_study(directions=(direction,))
    for value in (-0.5, 0.0, 0.5):
        complete(study, ask(study), value)
    ask(study)
    assert [trial.number for trial in study.list_best()] == expected


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"space": make_space(epochs=2, lr=[1, 2])}, "space: lr"),
        ({"space": make_space(lr={"low": 0.01, "high": 1.0, "log": True})}, "space: epochs"),
        ({"directions": ("minimize",), "repeat": {"seed": [1, 2]}}, "direction, repeat"),
    ],
)
def test_rejects_another_search_of_the_same_name(changes: dict[str, Any], key: str) -> None:
    open_study()
    with pytest.raises(
        SearchError, match=rf"^other\.yaml: {key}: not as when search trial was started; choose another"
    ):
        open_study(**changes, path=Path("other.yaml"))


def test_search_can_be_extended_with_another_sampler() -> None:
    open_study()
    assert not open_study(trials=50, sampler="random", pruner="asha", seed=3).is_new


def test_several_metrics_have_a_pareto_front() -> None:
    metrics = (Metric("metrics.json", "score"), Metric("metrics.json", "seconds"))
    study = open_study(metrics=metrics, directions=("maximize", "minimize"))
    for score, seconds in ((0.9, 9.0), (0.8, 5.0), (0.7, 6.0)):
        trial = ask(study)
        assert not study.report(trial, 1, score)
        complete(study, trial, score, seconds)
    assert [study.format_metrics(trial) for trial in study.list_best()] == [["0.9", "9"], ["0.8", "5"]]


def test_mean_and_deviation_of_repeated_runs() -> None:
    study = open_study(repeat={"seed": [3, 4]})
    trial = ask(study)
    assert study.list_names(trial) == ["trial-0-0", "trial-0-1"]
    assert study.get_values(trial, 1) == study.get_values(trial) | {"seed": 4}
    values = {"trial-0-0": 0.25, "trial-0-1": 0.75}
    study.complete(trial, {name: Outcome("complete", (value,), commit=COMMIT) for name, value in values.items()})
    (found,) = study.list_best()
    assert (found.value, study.format_metrics(found)) == (0.5, ["0.5 ± 0.35"])
    assert found.user_attrs["experiments"]["trial-0-1"] == {"commit": COMMIT, "values": [0.75]}


def test_rejects_damaged_database() -> None:
    Path(".dvc/tmp/search").mkdir(parents=True)
    Path(".dvc/tmp/search/trial.db").write_text("no database" * 100)
    with pytest.raises(SearchError, match=r"trial\.db: cannot be opened: .*not a database"):
        open_study()


def test_other_database(tmp_path: Path) -> None:
    Study(configure(), f"sqlite:///{tmp_path}/other.db").begin(COMMIT)
    with sqlite3.connect(tmp_path / "other.db") as database:
        assert database.execute("select study_name from studies").fetchall() == [("trial",)]
    database.close()
