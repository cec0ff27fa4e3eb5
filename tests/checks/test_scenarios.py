"""Each feature of DVC, before and after a change that makes it stale, in each check."""

import json
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.checks.conftest import JsonResult, RunCheck
from tests.checks.project import Project
from tests.checks.scenario_table import SCENARIOS
from tests.checks.scenarios import SAME, STALE, Expected, Scenario

CHECKS = ("fresh", "cache", "gate", "reproduce")


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run pipelines of clones in this process, which is faster; test_reproduce.py runs them as `reproduce` does."""

    def run() -> None:
        with Repo() as repo:
            repo.reproduce(all_pipelines=True, force=True, run_cache=False)

    monkeypatch.setattr("checks.reproduce.run_pipeline", run)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.usefixtures("in_process")
def test_scenario(name: str, empty_directory: Path, run_check: RunCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = SCENARIOS[name]
    project = create(scenario, empty_directory / "a repository")
    monkeypatch.chdir(project.folder)
    compare(run_check, SAME | scenario.before, "HEAD")
    scenario.change(project)
    project.commit()
    compare(run_check, STALE | {"fresh": (1, scenario.cause)} | scenario.after, "HEAD~1")


def create(scenario: Scenario, repository: Path) -> Project:
    project = Project.create(repository, scenario.subdirectory)
    for name, text in {"in.json": '{"acc": 0.9}\n', "dvc.yaml": scenario.dvc_yaml, **scenario.files}.items():
        project.write(name, text)
    scenario.prepare(project)
    project.repro()
    scenario.lock(project)
    project.commit()
    scenario.finish(project)
    return project


def compare(run_check: RunCheck, expected: Expected, base: str) -> None:
    results = {check: run_check(check, *(["--base", base] if check == "gate" else [])) for check in CHECKS}
    found = {check: (results[check]["status"], find(expected[check][1], results[check])) for check in CHECKS}
    assert found == expected


def find(text: str, result: JsonResult) -> str:
    """Return the text if the result has it, and otherwise the whole result."""
    everything = " ".join([result["summary"], *map(json.dumps, result["rows"]), *result["notes"]])
    return text if text in everything.replace("\\\\", "") else everything
