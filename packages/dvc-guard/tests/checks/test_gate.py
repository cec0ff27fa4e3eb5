import json
import os
from pathlib import Path

import pytest

from dvc_guard.checks.gate import guess_direction
from foreign_project import Project, RunCheck

# In each format that DVC reads.
METRICS = {
    "m.json": '{"test": {"acc": 0.9}, "name": "mlp", "rates": [0.1, NaN], "none": null}\n',
    "m.yaml": "test: {acc: 0.9}\nname: mlp\nrates: [0.1, .nan]\n",
    "m.toml": 'name = "mlp"\nrates = [0.1, nan]\n[test]\nacc = 0.9\n',
    "folder/deep/m.json": '{"test": {"acc": 0.9}, "name": "mlp", "rates": [0.1]}\n',
}
ACCURACY, LOSS = "metrics.json:test.accuracy", "metrics.json:loss"


def write_metrics(accuracy: object = 0.9, loss: object = 0.5, **others: object) -> None:
    Path("metrics.json").write_text(json.dumps({"test": {"accuracy": accuracy}, "loss": loss, **others}))


def get_verdicts(result: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {row["metric"]: row["verdict"] for row in result["rows"]}


def test_passes_if_metrics_improve(project: Project, run_check: RunCheck) -> None:
    write_metrics(accuracy=0.95, loss=0.4)
    result = run_check("gate", "--base", "HEAD")
    assert result["status"] == 0
    assert result["rows"] == [
        {
            "metric": LOSS,
            "base": "0.5",
            "head": "0.4",
            "change": "-0.1",
            "better": "lower",
            "allowed": "0",
            "verdict": "ok",
        },
        {
            "metric": ACCURACY,
            "base": "0.9",
            "head": "0.95",
            "change": "+0.05",
            "better": "higher",
            "allowed": "0",
            "verdict": "ok",
        },
    ]


@pytest.mark.parametrize(
    ("metrics", "options", "failing"),
    [
        ({"accuracy": 0.8999}, [], [ACCURACY]),
        ({"loss": 0.5001}, [], [LOSS]),
        ({"accuracy": 0.898}, ["--allow", "0.002"], []),
        ({"accuracy": 0.8979}, ["--allow", "0.002"], [ACCURACY]),
        ({"accuracy": 0.8, "loss": 0.6}, ["--allow", "accuracy=0.1"], [LOSS]),
        ({"accuracy": 0.8, "loss": 0.6}, ["--allow", "0.1", "--allow", "test.accuracy=0.01"], [ACCURACY]),
        ({"accuracy": 0.8, "loss": 0.6}, ["--allow", f"{LOSS}=0.1", "--allow", "accuracy=0.1"], []),
        ({"accuracy": 0.8}, ["--allow", "accuracy=0.01", "--allow", f"{ACCURACY}=0.1"], []),
        ({"accuracy": 0.8, "loss": 0.4}, ["--direction", "accuracy=lower", "--direction", "loss=higher"], [LOSS]),
        ({"accuracy": 0.0, "loss": 9.0}, ["--direction", "accuracy=any", "--direction", "loss=any"], []),
        ({"new": 1}, [], []),
    ],
)
def test_fails_beyond_allowance(
    project: Project, run_check: RunCheck, metrics: dict[str, float], options: list[str], failing: list[str]
) -> None:
    write_metrics(**metrics)
    result = run_check("gate", "--base", "HEAD", *options)
    assert result["status"] == bool(failing)
    assert [name for name, verdict in get_verdicts(result).items() if verdict == "worse"] == failing


LOWER = (
    "loss val_losses logLoss test.loss.mean validation_error error_rate mean_squared_error MAE rmse smape medianMAPE "
    "wer test.cer brier_score perplexity ece expected_calibration_error training_time runtime trainTime duration "
    "times.total latency model_size seconds_per_epoch"
)
HIGHER = "accuracy f1 power answer_rate certainty mean_ap sentiment images_per_second neg_mean_squared_error r2"


@pytest.mark.parametrize(("keys", "direction"), [(LOWER, "lower"), (HIGHER, "higher")])
def test_guesses_direction(keys: str, direction: str) -> None:
    assert {key: guess_direction(key) for key in keys.split()} == dict.fromkeys(keys.split(), direction)


@pytest.mark.parametrize("head", [{}, {"new": 1}])
def test_passes_without_metrics_of_base(project: Project, run_check: RunCheck, head: dict[str, int]) -> None:
    project.write("metrics.json", "{}")
    project.commit()
    project.write("metrics.json", json.dumps(head))
    result = run_check("gate", "--base", "HEAD", "--allow", "new=1")
    assert (result["status"], result["summary"]) == (0, "HEAD has no metrics; nothing to compare")
    assert get_verdicts(result) == {f"metrics.json:{name}": "new" for name in head}
    assert run_check("gate", "--base", "HEAD", "--strict")["status"] == 2


def test_passes_without_project_at_base(empty_folder: Path, run_check: RunCheck) -> None:
    repository = Project(empty_folder / "a repository")
    repository.folder.mkdir()
    repository.git("init", "--quiet")
    repository.git("commit", "--quiet", "--allow-empty", "--message", "x")
    project = Project.create(repository.folder, "sub")
    project.write("dvc.yaml", "metrics: [metrics.json]\n")
    os.chdir(project.folder)
    write_metrics()
    project.commit()
    assert run_check("gate", "--base", "HEAD~1")["summary"] == "HEAD~1 has no metrics; nothing to compare"
    assert run_check("gate", "--base", "HEAD", "--head", "HEAD~1")["status"] == 2


def test_notes_parameters_that_differ(project: Project, run_check: RunCheck) -> None:
    project.replace("params.yaml", "level: 90", "level: {a: 1}")
    note = "Parameters that differ from HEAD: params.yaml:level, params.yaml:level.a"
    assert run_check("gate", "--base", "HEAD")["notes"] == [note]
    project.delete("params.yaml")
    assert run_check("gate", "--base", "HEAD")["status"] == 0


VALUES = [float("nan"), float("inf"), -float("inf"), "0.95", True, None, [0.95], 10**400]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(value)[:5])
def test_rejects_changes_to_non_finite_values(project: Project, run_check: RunCheck, value: object) -> None:
    write_metrics(accuracy=value)
    result = run_check("gate", "--base", "HEAD")
    assert result["status"] == 1
    assert get_verdicts(result)[ACCURACY] == "not a finite number"
    assert run_check("gate", "--base", "HEAD", "--direction", "accuracy=any")["status"] == 0
    project.commit()
    assert run_check("gate", "--base", "HEAD")["status"] == 0, "unchanged"


@pytest.mark.parametrize("text", ['{"test": ', "", "{}", "\0"])
def test_rejects_corrupt_file(project: Project, run_check: RunCheck, text: str) -> None:
    Path("metrics.json").write_text(text)
    result = run_check("gate", "--base", "HEAD")
    assert result["status"] == 1
    assert get_verdicts(result)[ACCURACY] == "missing"
    assert get_verdicts(result).get("metrics.json") == (None if text == "{}" else "unreadable")


def test_rejects_missing_metric(project: Project, run_check: RunCheck) -> None:
    Path("metrics.json").write_text('{"loss": 0.1}')
    assert get_verdicts(run_check("gate", "--base", "HEAD")) == {LOSS: "ok", ACCURACY: "missing"}
    Path("metrics.json").unlink()
    result = run_check("gate", "--base", "HEAD")
    assert (result["status"], get_verdicts(result)[ACCURACY]) == (1, "missing")


def test_compares_two_commits(project: Project, run_check: RunCheck) -> None:
    write_metrics(accuracy=0.8)
    project.commit()
    write_metrics(accuracy=0.99)
    assert run_check("gate", "--base", "HEAD~1", "--head", "HEAD")["status"] == 1
    assert run_check("gate", "--base", "HEAD", "--head", "HEAD~1")["status"] == 0


def test_reports_invalid_base_metrics(project: Project, run_check: RunCheck) -> None:
    for text in ('{"test": {"accuracy": NaN}, "loss": 0.5}', '{"test": ', "{}"):
        Path("metrics.json").write_text(text)
        project.commit()
    write_metrics()
    summaries = [run_check("gate", "--base", f"HEAD~{back}")["summary"] for back in (2, 1, 0)]
    assert summaries[0] == "metrics.json:test.accuracy: reference value nan is not a finite number"
    assert summaries[1].startswith("cannot read metrics.json in HEAD~1: ")
    assert summaries[2] == "HEAD~0 has no metrics; nothing to compare"


def test_failure_has_precedence_over_invalid_base(project: Project, run_check: RunCheck) -> None:
    write_metrics(accuracy=float("nan"))
    project.commit()
    write_metrics(loss=0.6)
    assert run_check("gate", "--base", "HEAD")["status"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--base", "HEAD~9"], "HEAD~9"),
        (["--base", ""], "unknown Git revision ''"),
        (["--base", "HEAD", "--head", "unknown"], "unknown"),
        (["--base", "HEAD", "--allow", "acuracy=1"], f"--allow acuracy: no such metric; metrics: {LOSS}, {ACCURACY}"),
        (["--base", "HEAD", "--direction", "los=any"], f"--direction los: no such metric; metrics: {LOSS}, {ACCURACY}"),
    ],
)
def test_reports_unknown_names(project: Project, run_check: RunCheck, options: list[str], message: str) -> None:
    result = run_check("gate", *options)
    assert result["status"] == 2
    assert message in result["summary"]


def test_reports_invalid_dvc_yaml(project: Project, run_check: RunCheck) -> None:
    project.write("dvc.yaml", "{")
    result = run_check("gate", "--base", "HEAD")
    assert result["status"] == 2
    assert "dvc.yaml" in result["summary"]


@pytest.fixture
def metrics_project(project: Project) -> Project:
    """Return a project with metrics that no stage writes, in each format and in a folder."""
    for name, text in METRICS.items():
        project.write(name, text)
    project.write("dvc.yaml", "metrics: [m.json, m.yaml, m.toml, folder]\n")
    project.delete("dvc.lock")
    project.commit()
    return project


def test_passes_equal_metrics_in_each_format(metrics_project: Project, run_check: RunCheck) -> None:
    result = run_check("gate", "--base", "HEAD")
    assert (result["status"], result["summary"]) == (0, "13 metrics passed compared with HEAD")
    assert {row["metric"].partition(":")[0] for row in result["rows"]} == METRICS.keys()


@pytest.mark.parametrize("name", METRICS)
def test_reads_each_format(metrics_project: Project, run_check: RunCheck, name: str) -> None:
    for old, new in (("0.9", "0.8"), ("mlp", "cnn"), ("0.1", "0.2")):
        metrics_project.replace(name, old, new)
    verdicts = get_verdicts(run_check("gate", "--base", "HEAD"))
    assert {metric: verdict for metric, verdict in verdicts.items() if verdict != "ok"} == {
        f"{name}:test.acc": "worse",
        f"{name}:name": "not a finite number",
        f"{name}:rates": "not a finite number",
    }
    options = [f"--direction={key}=any" for key in ("acc", "name", "rates")]
    assert run_check("gate", "--base", "HEAD", *options)["status"] == 0
    metrics_project.write(name, "{[")
    assert get_verdicts(run_check("gate", "--base", "HEAD"))[name] == "unreadable"
