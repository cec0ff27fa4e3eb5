"""What the guard says about edits while a stage runs."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dvc_guard.run.inputs import Inputs
from dvc_guard.run.pipeline import read_pipeline
from dvc_guard.run.watch import Watch
from run.stage_project import StageProject

IMAGES = 30  # more than are checked at once
CONTENT = "1\n"
GUARD = f"""{sys.executable} -c '
import sys
from dvc_guard.run import command_line, supervisor
supervisor.WATCH_SECONDS = 0.1
sys.exit(command_line.main(sys.argv[1:]))
'"""


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Begin to watch the inputs of a stage, in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("images/inner").mkdir(parents=True)
    for name in ["train.py", "images/inner/first", *(f"images/{number}" for number in range(IMAGES))]:
        Path(name).write_text(CONTENT)
    Path("params.yaml").write_text("lr: 1\nother: 1\n")
    Path("dvc.yaml").write_text("stages: {train: {cmd: any, deps: [train.py, images], params: [lr], outs: [model]}}")
    return Watch(Inputs(read_pipeline(tmp_path, tmp_path, "train"), verify=False))


def poll(watch: Watch, capfd: pytest.CaptureFixture[str]) -> str:
    """Return what is printed within four checks."""
    for _ in range(4):
        watch.poll()
    return capfd.readouterr().err


def save_atomically(name: str, content: str) -> None:
    """Save a file as many editors do."""
    Path("new").write_text(content)
    Path("new").replace(name)


@pytest.mark.parametrize(
    ("change", "undo", "message"),
    [
        (
            lambda: save_atomically("train.py", "2\n"),
            lambda: save_atomically("train.py", CONTENT),
            "train.py: changed while train runs",
        ),
        (
            lambda: Path("images/3").write_text("2\n"),
            lambda: Path("images/3").write_text(CONTENT),
            "images/3: changed while train runs",
        ),
        (
            lambda: Path("images/inner/new").touch(),
            Path("images/inner/new").unlink,
            "images/inner/new: changed while train runs",
        ),
        (
            lambda: Path("params.yaml").write_text("lr: 2\n"),
            lambda: Path("params.yaml").write_text("lr: 1\n"),
            "params.yaml: lr: changed from 1 to 2 while train runs",
        ),
        (
            lambda: Path("params.yaml").write_text("lr: ["),
            lambda: Path("params.yaml").write_text("lr: 1\n"),
            "params.yaml, line 2: cannot be parsed: ",
        ),
        (
            lambda: Path("params.yaml").unlink(),
            lambda: Path("params.yaml").write_text("lr: 1\n"),
            "params.yaml: removed",
        ),
    ],
    ids=["code", "file of a folder", "new file", "parameter", "damaged parameters", "no parameters"],
)
def test_reports_change_once_and_its_undoing(
    watch: Watch,
    capfd: pytest.CaptureFixture[str],
    change: Callable[[], object],
    undo: Callable[[], object],
    message: str,
) -> None:
    assert poll(watch, capfd) == ""
    change()
    output = poll(watch, capfd)
    assert output.startswith(f"warning: {message}")
    assert "; nothing will be recorded unless its content is restored before the stage ends; " in output
    assert output.count("\n") == 1
    assert poll(watch, capfd) == ""
    undo()
    assert poll(watch, capfd) == "warning: all inputs have their first content again; the stage will be recorded\n"
    watch.inputs.confirm_unchanged()


@pytest.mark.parametrize(
    "change",
    [
        Path("train.py").touch,
        lambda: save_atomically("train.py", CONTENT),
        lambda: save_atomically("images/3", CONTENT),
        lambda: Path("images").touch(),
        lambda: Path("params.yaml").write_text("other: 2\nlr: 1\n"),
    ],
)
def test_says_nothing_where_no_content_changed(
    watch: Watch, capfd: pytest.CaptureFixture[str], change: Callable[[], object]
) -> None:
    change()
    assert poll(watch, capfd) == ""


def test_checks_every_file_of_a_large_folder(watch: Watch, capfd: pytest.CaptureFixture[str]) -> None:
    for number in range(IMAGES):
        Path(f"images/{number}").write_text("2\n")
        assert f"images/{number}" in poll(watch, capfd)


def test_waits_until_a_file_is_written(watch: Watch, capfd: pytest.CaptureFixture[str]) -> None:
    Path("train.py").write_text("")
    watch.poll()
    Path("train.py").write_text(CONTENT)
    assert poll(watch, capfd) == ""


def test_run_reports_an_edit_that_is_undone(stages: StageProject) -> None:
    command = f"{GUARD} sh -c 'echo begun; read line; touch out'"
    with stages.stand_in(command, deps="copy.sh") as dvc:
        assert dvc.stdin
        assert dvc.stdout
        assert dvc.stderr
        assert dvc.stdout.readline() == "begun\n"
        content = Path("copy.sh").read_text()
        Path("copy.sh").write_text("other")
        assert dvc.stderr.readline().startswith("warning: copy.sh: changed while any runs; ")
        Path("copy.sh").write_text(content)
        assert dvc.stderr.readline().startswith("warning: all inputs have their first content again; ")
        assert dvc.communicate("\n", timeout=60) == ("", "")
    assert dvc.returncode == 0


def test_line_replaces_progress_bar_of_a_terminal(
    watch: Watch, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "isatty", lambda _: True)
    Path("train.py").unlink()
    assert poll(watch, capfd).startswith("\r\x1b[Kwarning: train.py: changed")
