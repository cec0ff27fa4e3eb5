import errno
import os
import subprocess
from pathlib import Path

import pytest

from runtime import stage
from runtime.errors import StageError
from runtime.parameters import StageParameters
from tests.clone import ROOT
from tests.conftest import FailStage, RunStage, SetParameters, WriteSplits
from tests.runtime.fake_dvc import create_project, stage_command

STAGES = ["validate", "download", "normalize", "train", "evaluate", "export"]


def run_statement(statement: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a stage of one statement without dvc."""
    inherited = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    environment = inherited | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        stage_command(statement), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def expression_of(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{type(error).__name__}({error.errno}, {error.strerror!r}, {error.filename!r})"
    if isinstance(error, StageError):
        return f"StageError({str(error)!r}, status={error.status})"
    return repr(error)


@pytest.mark.parametrize(
    ("error", "message", "status"),
    [
        (StageError("params.yaml: lr: 0 is not allowed"), "error: params.yaml: lr: 0 is not allowed", 1),
        (StageError("one\ntwo", status=3), "error: one\nerror: two", 3),
        (FileNotFoundError(errno.ENOENT, "No such file", "data/raw/x"), "error: data/raw/x: no such file; run dvc", 1),
        (OSError(errno.ENOSPC, "No space left on device"), "error: No space left on device", 1),
        (PermissionError(errno.EACCES, "Permission denied", "models"), "error: models: Permission denied", 1),
        (KeyboardInterrupt(), "error: interrupted", 1),
        (StageError("a\x1b[31m\u2028b"), "error: a\\x1b[31m\\u2028b", 1),
        (StageError("x" * 3000), f"error: {'x' * 1990}...", 1),
        (StageError("\n".join("x" * 20)), "\n".join(["error: x"] * 20), 1),
        (StageError("\n".join("x" * 21)), "\n".join(["error: x"] * 19) + "\nerror: 2 more errors", 1),
    ],
)
def test_prints_errors_of_the_user_as_lines(tmp_path: Path, error: BaseException, message: str, status: int) -> None:
    process = run_statement(f"raise {expression_of(error)}", create_project(tmp_path))
    assert process.returncode == status
    assert process.stderr.startswith(message)
    assert process.stderr.count("\n") == message.count("\n") + 1


def test_keeps_traceback_of_other_errors(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def main(_: StageParameters) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("sys.argv", ["validate"])
    assert project == Path.cwd()
    with pytest.raises(ZeroDivisionError):
        stage.run("validate", main, StageParameters)


def test_runs_without_dvc(tmp_path: Path) -> None:
    process = run_statement("print('done')", create_project(tmp_path))
    assert (process.returncode, process.stdout, process.stderr) == (0, "done\n", "")


def test_rejects_unknown_stage(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages: {other: {cmd: any}}")
    process = run_statement("print('done')", project)
    assert (process.returncode, process.stderr) == (1, "error: dvc.yaml: stages: any: missing\n")


@pytest.mark.parametrize("name", STAGES)
def test_help_names_inputs_and_outputs(name: str) -> None:
    process = subprocess.run(
        ["python", "-m", f"stages.{name}", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert process.stdout.startswith(f"usage: python -m stages.{name} [-h]\n")
    assert "\nReads " in process.stdout
    assert "; writes " in process.stdout.replace("\n", " ")


def test_rejects_arguments(project: Path) -> None:
    command = ["python", "-m", "stages.validate", "--epochs", "3"]
    process = subprocess.run(
        command, cwd=project, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert process.returncode == 2
    assert "unrecognized arguments: --epochs 3" in process.stderr
    assert (project / "data/parameters.valid").read_text() == ""


def test_rejects_parameters_changed_while_running(
    run_stage: RunStage,
    set_parameters: SetParameters,
    write_splits: WriteSplits,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_splits()
    set_parameters(epochs=1, hidden_sizes=[4])
    monkeypatch.setattr("stages.train.network.save_network", lambda *_: set_parameters(lr=0.5, dataset="digits"))
    with pytest.raises(SystemExit):
        run_stage("train")
    change = "params.yaml: lr: changed from 0.01 to 0.5 while train ran"
    assert capsys.readouterr().err == f"error: {change}; nothing was recorded; run the command again\n"


def test_rejects_another_version_of_a_package(fail_stage: FailStage, project: Path) -> None:
    versions = project / "versions.yaml"
    versions.write_text(versions.read_text().replace('torch: "', 'torch: "0.'))
    assert fail_stage("train").startswith("versions.yaml: torch: 0.2.")
