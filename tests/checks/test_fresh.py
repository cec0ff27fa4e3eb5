import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo

from tests.checks.conftest import RunCheck
from tests.checks.project import Project

Change = Callable[[Project], object]


def test_passes_after_repro(tiny_project: Project, run_check: RunCheck) -> None:
    result = run_check("fresh")
    assert result == {
        "check": "fresh",
        "status": 0,
        "summary": "dvc.lock matches HEAD for each of 2 stages",
        "rows": [],
        "notes": [],
    }


def test_passes_without_data(tiny_project: Project, run_check: RunCheck) -> None:
    shutil.rmtree(".dvc/cache")
    shutil.rmtree("data")
    assert run_check("fresh")["status"] == 0


STALE_CHANGES: dict[str, tuple[Change, dict[str, str]]] = {
    "code": (
        lambda project: project.write("score.sh", "true\n"),
        {"score": "dep score.sh: changed, "},
    ),
    "missing dep": (
        lambda project: project.delete("raw.txt"),
        {"prepare": "dep raw.txt: missing from HEAD"},
    ),
    "added dep": (
        lambda project: project.replace("dvc.yaml", "[data, score.sh]", "[data, score.sh, raw.txt]"),
        {"score": "dep raw.txt: not in dvc.lock"},
    ),
    "removed dep": (
        lambda project: project.replace("dvc.yaml", "[data, score.sh]", "[data]"),
        {"score": "dep score.sh: no longer in dvc.yaml"},
    ),
    "command": (
        lambda project: project.replace("dvc.yaml", "sh score.sh", "sh  score.sh"),
        {"score": "cmd: 'sh score.sh' in dvc.lock, 'sh  score.sh' in dvc.yaml"},
    ),
    "parameter": (
        lambda project: project.replace("params.yaml", "90", "91"),
        {"score": "param level: 90 in dvc.lock, 91 in params.yaml"},
    ),
    "missing parameter": (
        lambda project: project.replace("params.yaml", "level: 90", ""),
        {"score": "param level: 90 in dvc.lock, missing in params.yaml"},
    ),
    "added parameter": (
        lambda project: project.replace("dvc.yaml", "[level,", "[level, other,"),
        {"score": "param other: missing in dvc.lock, missing in params.yaml"},
    ),
    "removed parameter": (
        lambda project: project.replace("dvc.yaml", "[level,", "["),
        {"score": "param level: no longer in dvc.yaml"},
    ),
    "missing params file": (
        lambda project: project.delete("params.yaml"),
        {"score": "params file params.yaml: missing from HEAD"},
    ),
    "removed params file": (
        lambda project: project.replace("dvc.yaml", "    params: [level, numerics]\n", ""),
        {"score": "params file params.yaml: no longer in dvc.yaml"},
    ),
    "added output": (
        lambda project: project.replace("dvc.yaml", "[report.txt]", "[report.txt, more.txt]"),
        {"score": "out more.txt: not in dvc.lock"},
    ),
    "removed output": (
        lambda project: project.replace("dvc.yaml", "    outs: [report.txt]\n", ""),
        {"score": "out report.txt: no longer in dvc.yaml"},
    ),
    "metric": (
        lambda project: project.replace("metrics.json", "0.90", "0.99"),
        {"score": "out metrics.json: changed, "},
    ),
    "missing metric": (
        lambda project: project.delete("metrics.json"),
        {"score": "out metrics.json: missing from HEAD"},
    ),
    "output of another stage": (
        lambda project: project.replace(
            "dvc.lock", DATA_DEP.format(read_data_hash(project)), DATA_DEP.format("0" * 32)
        ),
        {"score": "dep data: changed, 00000000 in dvc.lock, "},
    ),
    "added stage": (
        lambda project: project.write(
            "dvc.yaml", Path("dvc.yaml").read_text() + "  more: {cmd: 'true', deps: [raw.txt]}\n"
        ),
        {"more": "not in dvc.lock"},
    ),
    "removed stage": (
        lambda project: project.write("dvc.yaml", Path("dvc.yaml").read_text().partition("  score:")[0]),
        {"score": "in dvc.lock, but no longer in dvc.yaml"},
    ),
    "removed pipeline": (
        lambda project: project.delete("dvc.yaml"),
        {"prepare": "in dvc.lock, but no longer in dvc.yaml", "score": "in dvc.lock, but no longer in dvc.yaml"},
    ),
}

DATA_DEP = "    deps:\n    - path: data\n      hash: md5\n      md5: {}.dir"


def read_data_hash(project: Project) -> str:
    lock = (project.folder / "dvc.lock").read_text()
    return lock.partition(".dir")[0].rpartition(" ")[2]


@pytest.mark.parametrize("change", STALE_CHANGES)
def test_detects_stale_stage(tiny_project: Project, run_check: RunCheck, change: str) -> None:
    apply_change, causes = STALE_CHANGES[change]
    apply_change(tiny_project)
    tiny_project.commit()
    result = run_check("fresh")
    assert result["status"] == 1
    assert [row["stage"] for row in result["rows"]] == list(causes)
    assert all(row["cause"].startswith(causes[row["stage"]]) for row in result["rows"])


def test_ignores_uncommitted_changes(tiny_project: Project, run_check: RunCheck) -> None:
    tiny_project.replace("params.yaml", "90", "91")
    result = run_check("fresh")
    assert result["status"] == 0
    assert result["notes"] == ["Uncommitted changes were not checked: params.yaml"]


def test_reports_missing_project_git_and_commit(empty_directory: Path, run_check: RunCheck) -> None:
    assert "not inside of a DVC repository" in run_check("fresh")["summary"]
    Repo.init(no_scm=True).close()
    assert run_check("fresh")["status"] == 2
    Project(Path()).git("init")
    assert run_check("fresh")["status"] == 2
