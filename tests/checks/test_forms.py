"""Metrics and plots in every form that DVC reads."""

import shutil
from pathlib import Path

import pytest

from tests.checks.conftest import RunCheck
from tests.checks.project import Project

METRICS = {
    "m.json": '{"test": {"acc": 0.9}, "name": "mlp", "rates": [0.1, NaN], "none": null}\n',
    "m.yaml": "test: {acc: 0.9}\nname: mlp\nrates: [0.1, .nan]\n",
    "m.toml": 'name = "mlp"\nrates = [0.1, nan]\n[test]\nacc = 0.9\n',
    "folder/deep/m.json": '{"test": {"acc": 0.9}, "name": "mlp", "rates": [0.1]}\n',
}
PLOTS = {
    "p.csv": "a,b\n1,2\n",
    "p.tsv": "a\tb\n1\t2\n",
    "p.json": '[{"a": 1}]\n',
    "p.yaml": "- {a: 1}\n",
    "p.svg": "<svg/>\n",
    "images/p.png": "1\n",
}


@pytest.fixture
def metrics_project(tiny_project: Project) -> Project:
    """Return a project with metrics that no stage writes, in each format and in a folder."""
    for name, text in METRICS.items():
        tiny_project.write(name, text)
    tiny_project.write("dvc.yaml", "metrics: [m.json, m.yaml, m.toml, folder]\nplots: [p.json]\n")
    tiny_project.write("p.json", PLOTS["p.json"])
    tiny_project.delete("dvc.lock")
    tiny_project.commit()
    return tiny_project


def test_equal_metrics_pass(metrics_project: Project, run_check: RunCheck) -> None:
    result = run_check("gate", "--base", "HEAD")
    assert (result["status"], result["summary"]) == (0, "13 metrics passed compared with HEAD")
    assert {row["metric"].partition(":")[0] for row in result["rows"]} == METRICS.keys()


@pytest.mark.parametrize("name", METRICS)
def test_detects_worse_metric(metrics_project: Project, run_check: RunCheck, name: str) -> None:
    metrics_project.replace(name, "0.9", "0.8")
    metrics_project.replace("p.json", "1", "0")
    metrics_project.replace(name, "mlp", "cnn")
    metrics_project.replace(name, "0.1", "0.2")
    result = run_check("gate", "--base", "HEAD")
    assert result["status"] == 1
    assert {row["metric"]: row["verdict"] for row in result["rows"] if row["verdict"] != "ok"} == {
        f"{name}:test.acc": "worse",
        f"{name}:name": "not a finite number",
        f"{name}:rates": "not a finite number",
    }
    options = [f"--direction={key}=any" for key in ("acc", "name", "rates")]
    assert run_check("gate", "--base", "HEAD", *options)["status"] == 0


@pytest.mark.parametrize("name", METRICS)
def test_names_unreadable_metrics(metrics_project: Project, run_check: RunCheck, name: str) -> None:
    metrics_project.write(name, "{[")
    verdicts = {row["metric"]: row["verdict"] for row in run_check("gate", "--base", "HEAD")["rows"]}
    assert verdicts[name] == "unreadable"


@pytest.mark.parametrize("cache", ["true", "false"])
def test_plots_of_stage(
    empty_directory: Path, run_check: RunCheck, monkeypatch: pytest.MonkeyPatch, cache: str
) -> None:
    project = Project.create(empty_directory / "a repository")
    monkeypatch.chdir(project.folder)
    files = {f"source/{name}": text for name, text in PLOTS.items()}
    outs = sorted({name.partition("/")[0] for name in PLOTS})
    plots = ", ".join(f"{out}: {{cache: {cache}}}" for out in outs)
    stage = f"stages: {{s: {{cmd: cp -r source/. ., deps: [source], plots: [{plots}]}}}}\nplots: [images, p.csv]\n"
    project.run_and_commit({**files, "dvc.yaml": stage})
    assert run_check("fresh")["status"] == 0
    assert run_check("gate", "--base", "HEAD")["summary"] == "HEAD has no metrics"
    shutil.rmtree("images")
    project.write("images/p.png", "changed\n")
    project.delete("p.tsv")
    project.write("p.tsv", "changed\n")
    project.commit()
    causes = [row["cause"].partition(",")[0] for row in run_check("fresh")["rows"]]
    assert causes == ([] if cache == "true" else ["out images: changed", "out p.tsv: changed"])
