import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from checks.reproduce import largest_difference
from tests.checks.conftest import DVC_WARNS, Ask, Project
from tests.conftest import Clone

pytestmark = DVC_WARNS

ACCURACY = "metrics.json:test.accuracy"

MODEL = """\
import os
import numpy
import safetensors.numpy
weights = {"a": numpy.zeros(3, "float32"), "b": numpy.full(2, float(os.environ.get("WEIGHT", 1)), "float32")}
safetensors.numpy.save_file(weights, "model.safetensors")
"""
STAGES = """\
  model: {cmd: python model.py, deps: [model.py], outs: [model.safetensors]}
  git: {cmd: echo $NOISE > git.txt, deps: [raw.txt], outs: [git.txt: {cache: false}]}
"""


def state_of(folder: Path) -> dict[Path, int]:
    """List files with the times of their last change, but for what Git and DVC note for themselves."""
    own = (".git/index", ".dvc/tmp")
    files = [path for path in folder.rglob("*") if path.is_file() and not any(name in str(path) for name in own)]
    return {path: path.stat().st_mtime_ns for path in files}


def test_holds_and_touches_nothing(tiny: Project, ask: Ask, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = empty / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = state_of(tiny.folder)
    answer = ask("reproduce")
    assert answer == {
        "check": "reproduce",
        "status": 0,
        "summary": "3 outputs came out as in dvc.lock, bit for bit",
        "rows": [],
        "notes": [],
    }
    assert state_of(tiny.folder) == before
    assert list(temporary.iterdir()) == []


def test_the_commit_is_run_with_data_that_no_stage_makes(everything: Project, ask: Ask) -> None:
    everything.write("dvc.yaml", Path("dvc.yaml").read_text().partition("  outside:")[0])
    everything.commit()
    everything.write("dvc.yaml", "{")
    answer = ask("reproduce")
    assert answer["summary"] == "11 outputs came out as in dvc.lock, bit for bit"
    assert answer["notes"] == [
        "The workspace has changes that are not committed, in dvc.yaml; what was checked is HEAD."
    ]


def test_each_difference_is_told(tiny: Project, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.fill({"model.py": MODEL, "dvc.yaml": Path("dvc.yaml").read_text() + STAGES})
    monkeypatch.setenv("NOISE", "7")
    monkeypatch.setenv("WEIGHT", "1.5")
    answer = ask("reproduce")
    assert answer["status"] == 1
    rows = {row["what"]: row for row in answer["rows"]}
    assert {name: row["difference"] for name, row in rows.items()} == {
        "data": "files: deep/b.txt",
        "git.txt": "",
        "metrics.json": "",
        "model.safetensors": "largest difference 0.5, in b",
        ACCURACY: "+0.007",
    }
    assert (rows[ACCURACY]["dvc.lock"], rows[ACCURACY]["run again"]) == ("0.9", "0.907")
    assert rows["data"]["dvc.lock"] != rows["data"]["run again"]


def test_what_was_not_committed_or_is_not_in_the_cache_differs_too(
    tiny: Project, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.write("dvc.yaml", Path("dvc.yaml").read_text() + "  more: {cmd: echo 1 > more.txt, outs: [more.txt]}\n")
    tiny.commit()
    shutil.rmtree(".dvc/cache")
    monkeypatch.setenv("NOISE", "7")
    data, _, more, _ = ask("reproduce")["rows"]
    assert data["difference"] == "how far is not known: what was committed is not in the cache, or is damaged there"
    assert (more["what"], more["dvc.lock"]) == ("more.txt", "nothing")


@pytest.mark.parametrize(
    ("options", "status", "tolerance"),
    [
        (["--numerics", "native"], 0, "0.007"),
        (["--set", "level=89", "--tolerance", "accuracy=0.004"], 1, "0.004"),
    ],
)
def test_other_parameters_are_compared_by_tolerance(
    tiny: Project, ask: Ask, options: list[str], status: int, tolerance: str
) -> None:
    answer = ask("reproduce", *options)
    assert answer["status"] == status
    (accuracy,) = [row for row in answer["rows"] if row["metric"] == ACCURACY]
    assert accuracy["tolerance"] == tolerance
    assert accuracy["verdict"] == ("differs" if status else "ok")
    assert Path("params.yaml").read_text() == "level: 90\nnumerics: portable\n"


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        ({"score.sh": "exit 3\n"}, [], "dvc repro --force --no-run-cache --all-pipelines exited with 255"),
        ({}, ["--set", "level"], "--set level: no such key in params.yaml, or not KEY=VALUE"),
        ({}, ["--set", "other=1"], "--set other=1: no such key in params.yaml, or not KEY=VALUE"),
        ({}, ["--tolerance", "acuracy=1"], "--tolerance acuracy: no such metric; there are metrics.json:loss, "),
        ({"dvc.yaml": "stages: {x: {cmd: touch ../x, outs: [../x: {cache: false}]}}"}, [], "../x lies outside"),
        ({"metrics.json": "{}"}, ["--tolerance", "0.1"], "HEAD has no metrics"),
        ({"dvc.lock": ""}, [], "dvc.lock"),
    ],
)
def test_what_keeps_it_from_running_is_no_answer(
    tiny: Project, ask: Ask, files: dict[str, str], options: list[str], message: str
) -> None:
    for name, text in files.items():
        tiny.write(name, text)
    tiny.commit()
    answer = ask("reproduce", *options)
    assert answer["status"] == 2
    assert message in answer["summary"]


def test_data_that_cannot_be_brought_is_no_answer(everything: Project, ask: Ask) -> None:
    shutil.rmtree(".dvc/cache")
    answer = ask("reproduce")
    assert answer["status"] == 2
    assert "raw.csv" in answer["summary"]


def test_a_clone_that_cannot_be_made_is_no_answer(tiny: Project, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "none")
    answer = ask("reproduce")
    assert answer["status"] == 2
    assert answer["summary"].startswith("git cannot clone ")


def test_tensors_that_cannot_be_compared_are_told(empty: Path) -> None:
    old, new = empty / "old", empty / "new"
    save_file({"a": np.zeros(2), "none": np.zeros(0)}, old)
    save_file({"a": np.full(2, -0.25), "none": np.zeros(0)}, new)
    assert largest_difference(old, new) == "largest difference 0.25, in a"
    save_file({"a": np.array([1, np.nan]), "none": np.zeros(0)}, new)
    assert largest_difference(old, new) == "largest difference nan, in a"
    save_file({"a": np.zeros(3)}, new)
    assert largest_difference(old, new) == "tensors of other names or shapes"
    new.write_text("no tensors")
    assert largest_difference(old, new).startswith("how far is not known: ")
    for path in (old, new):
        save_file({}, path)
    assert largest_difference(old, new) == "the same tensors"


def test_the_digits_come_out_the_same(digits: Clone) -> None:
    shutil.rmtree(digits.folder / ".dvc/cache")
    shown = digits.run("python", "-m", "checks", "reproduce")
    assert "bit for bit" in shown.stdout
    assert "Running stage 'evaluate'" in shown.stderr
    assert not (digits.folder / ".dvc/cache/files").exists()
