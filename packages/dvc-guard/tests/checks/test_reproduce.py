import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from dvc_guard.checks.output_comparison import compare_tensors
from foreign_project import Project, RunCheck

ACCURACY = "metrics.json:test.accuracy"
pytestmark = pytest.mark.slow

MODEL = """\
import os
import numpy
import safetensors.numpy
weights = {"a": numpy.zeros(3, "float32"), "b": numpy.full(2, float(os.environ.get("WEIGHT", 1)), "float32")}
safetensors.numpy.save_file(weights, "model.safetensors")
"""
STAGES = f"""\
  model: {{cmd: {sys.executable} model.py, deps: [model.py], outs: [model.safetensors]}}
  git: {{cmd: echo $NOISE > git.txt, deps: [raw.txt], outs: [git.txt: {{cache: false}}]}}
"""


def read_modification_times(folder: Path) -> dict[Path, int]:
    """Return the modification time of each file, except the files that Git and DVC always update."""
    ignored = (".git/index", ".dvc/tmp")
    files = [path for path in folder.rglob("*") if path.is_file() and not any(name in str(path) for name in ignored)]
    return {path: path.stat().st_mtime_ns for path in files}


def test_passes_without_changing_project(
    project: Project, run_check: RunCheck, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = empty_folder / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    project.write("dvc.yaml", "{")  # it runs HEAD
    before = read_modification_times(project.folder)
    assert run_check("reproduce") == {
        "check": "reproduce",
        "status": 0,
        "summary": "3 outputs are identical to dvc.lock",
        "rows": [],
        "notes": ["Uncommitted changes were not checked: dvc.yaml"],
    }
    assert read_modification_times(project.folder) == before
    assert list(temporary.iterdir()) == []


@pytest.mark.usefixtures("in_process")
def test_describes_differences(project: Project, run_check: RunCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    project.run_and_commit({"model.py": MODEL, "dvc.yaml": Path("dvc.yaml").read_text() + STAGES})
    monkeypatch.setenv("NOISE", "7")
    monkeypatch.setenv("WEIGHT", "1.5")
    result = run_check("reproduce")
    assert result["status"] == 1
    rows = {row["what"]: row for row in result["rows"]}
    assert {name: row["difference"] for name, row in rows.items()} == {
        "data": "files: deep/b.txt",
        "git.txt": "",
        "metrics.json": "",
        "model.safetensors": "largest difference 0.5 in b",
        ACCURACY: "+0.007",
    }
    assert (rows[ACCURACY]["dvc.lock"], rows[ACCURACY]["run again"]) == ("0.9", "0.907")
    assert rows["data"]["dvc.lock"] != rows["data"]["run again"]


@pytest.mark.usefixtures("in_process")
def test_describes_missing_outputs(project: Project, run_check: RunCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("dvc.yaml", Path("dvc.yaml").read_text() + "  more: {cmd: echo 1 > more.txt, outs: [more.txt]}\n")
    project.commit()
    shutil.rmtree(".dvc/cache")
    monkeypatch.setenv("NOISE", "7")
    data, _, more, _ = run_check("reproduce")["rows"]
    assert data["difference"] == "not compared: the committed version is missing from the cache or damaged"
    assert (more["what"], more["dvc.lock"]) == ("more.txt", "missing")


@pytest.mark.parametrize(
    ("options", "status", "tolerance"),
    [
        (["--set", "numerics=native", "--tolerance", "0.007"], 0, "0.007"),
        (["--set", "numerics=native"], 1, "0"),
        (["--set", "level=89", "--tolerance", "accuracy=0.004"], 1, "0.004"),
    ],
)
@pytest.mark.usefixtures("in_process")
def test_compares_metrics_by_tolerance(
    project: Project, run_check: RunCheck, options: list[str], status: int, tolerance: str
) -> None:
    result = run_check("reproduce", *options)
    assert result["status"] == status
    (accuracy,) = [row for row in result["rows"] if row["metric"] == ACCURACY]
    assert accuracy["tolerance"] == tolerance
    assert accuracy["verdict"] == ("differs" if status else "ok")
    assert Path("params.yaml").read_text() == "level: 90\nnumerics: portable\n"


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"score.sh": "exit 3\n"}, [], "dvc repro --force --no-run-cache --all-pipelines exited with 255"),
        ({}, ["--set", "level"], "--set level: must be KEY=VALUE with an existing key of params.yaml"),
        ({}, ["--set", "other=1"], "--set other=1: must be KEY=VALUE with an existing key of params.yaml"),
        ({}, ["--tolerance", "acuracy=1"], "--tolerance acuracy: no such metric; metrics: metrics.json:loss, "),
        (
            {"dvc.yaml": "stages: {x: {cmd: touch ../x, outs: [../x: {cache: false}]}}"},
            [],
            "../x is outside the project",
        ),
        ({"metrics.json": "{}"}, ["--tolerance", "0.1"], "HEAD has no metrics"),
        ({"dvc.lock": ""}, [], "dvc.lock"),
    ],
)
def test_reports_errors(
    project: Project, run_check: RunCheck, files: dict[str, str], options: list[str], message: str
) -> None:
    for name, text in files.items():
        project.write(name, text)
    project.commit()
    result = run_check("reproduce", *options)
    assert result["status"] == 2
    assert message in result["summary"]


def test_fails_without_dvc_lock(project: Project, run_check: RunCheck) -> None:
    project.delete("dvc.lock")
    project.commit()
    result = run_check("reproduce")
    assert (result["status"], result["summary"]) == (1, "HEAD has no dvc.lock; run dvc repro and commit dvc.lock")


def test_reports_failed_clone(project: Project, run_check: RunCheck, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "none")
    result = run_check("reproduce")
    assert result["status"] == 2
    assert result["summary"].startswith("git clone --quiet ")


def test_compare_tensors(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = empty_folder / "old", empty_folder / "new"
    save_file({"a": np.zeros(2), "none": np.zeros(0)}, old)
    save_file({"a": np.full(2, -0.25), "none": np.zeros(0)}, new)
    assert compare_tensors(old, new) == "largest difference 0.25 in a"
    save_file({"a": np.array([1, np.nan]), "none": np.zeros(0)}, new)
    assert compare_tensors(old, new) == "largest difference nan in a"
    save_file({"a": np.zeros(3)}, new)
    assert compare_tensors(old, new) == "names or shapes of tensors differ"
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "safetensors", None)
        assert compare_tensors(old, new).startswith("not compared: import of safetensors")
    new.write_text("no tensors")
    assert compare_tensors(old, new).startswith("not compared: ")
    for path in (old, new):
        save_file({}, path)
    assert compare_tensors(old, new) == "tensors are equal"
