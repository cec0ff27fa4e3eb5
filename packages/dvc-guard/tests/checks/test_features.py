"""Each feature of DVC, before and after a change that makes it stale, in each check."""

import json
from pathlib import Path
from typing import Any

import pytest

from features import FEATURES, SAME, STALE, Expected, Feature
from foreign_project import Project, RunCheck


@pytest.mark.slow
@pytest.mark.parametrize("name", FEATURES)
@pytest.mark.usefixtures("in_process")
def test_feature(name: str, empty_folder: Path, run_check: RunCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    feature = FEATURES[name]
    project = create(feature, empty_folder / "a repository")
    monkeypatch.chdir(project.folder)
    compare(run_check, SAME | feature.before, "HEAD")
    feature.change(project)
    project.commit()
    compare(run_check, STALE | {"fresh": (1, feature.cause)} | feature.after, "HEAD~1")


def create(feature: Feature, repository: Path) -> Project:
    project = Project.create(repository, feature.subdirectory)
    for name, text in {"in.json": '{"acc": 0.9}\n', "dvc.yaml": feature.dvc_yaml, **feature.files}.items():
        project.write(name, text)
    feature.prepare(project)
    project.repro()
    feature.lock(project)
    project.commit()
    feature.finish(project)
    return project


def compare(run_check: RunCheck, expected: Expected, base: str) -> None:
    results = {check: run_check(check, *(["--base", base] if check == "gate" else [])) for check in expected}
    found = {check: (results[check]["status"], find(expected[check][1], results[check])) for check in expected}
    assert found == expected


def find(text: str, result: dict[str, Any]) -> str:
    """Return the text if the result has it, and otherwise the whole result."""
    everything = " ".join([result["summary"], *map(json.dumps, result["rows"]), *result["notes"]])
    return text if text in everything.replace("\\\\", "") else everything
