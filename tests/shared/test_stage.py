import errno
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stages.shared import stage
from stages.shared.stage import StageError
from tests.conftest import ROOT
from tests.fake_dvc import start_dvc, write_stage


@pytest.mark.parametrize(
    ("fault", "message", "status"),
    [
        (StageError("params.yaml: lr: 0 is not allowed"), "error: params.yaml: lr: 0 is not allowed", 1),
        (StageError("one\ntwo", status=3), "error: one\nerror: two", 3),
        (FileNotFoundError(errno.ENOENT, "No such file", "data/raw/x"), "error: data/raw/x: no such file; run dvc", 1),
        (OSError(errno.ENOSPC, "No space left on device"), "error: No space left on device", 1),
        (PermissionError(errno.EACCES, "Permission denied", "models"), "error: models: Permission denied", 1),
        (KeyboardInterrupt(), "error: interrupted", 1),
    ],
)
def test_a_users_fault_ends_in_its_lines(fault: BaseException, message: str, status: int) -> None:
    process = run_stage(f"raise {rebuild(fault)}", ROOT)
    assert process.returncode == status
    assert process.stderr.startswith(message)
    assert process.stderr.count("\n") == message.count("\n") + 1


def run_stage(statement: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a stage of one statement in a folder: by hand, or with DVC_STAGE as dvc does."""
    inherited = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    return subprocess.run(
        write_stage(statement),
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def rebuild(fault: BaseException) -> str:
    """Write a fault as the expression that makes it."""
    if isinstance(fault, OSError) and fault.filename:
        return f"{type(fault).__name__}({fault.errno}, {fault.strerror!r}, {fault.filename!r})"
    if isinstance(fault, StageError):
        return f"StageError({str(fault)!r}, status={fault.status})"
    return repr(fault)


def test_a_fault_of_the_program_keeps_its_traceback() -> None:
    def main() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stage.run(main)


STAGE = """
import ctypes, time
from stages.shared.stage import run
def main():
    print("begun")
    WAIT
run(main)
"""


@pytest.mark.parametrize(
    ("shell_command", "wait"),
    [
        pytest.param(
            f"exec {sys.executable} stage.py",
            "ctypes.PyDLL(None).sleep(60)",  # with Python's lock, so that no thread can run
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent"),
            id="at once",
        ),
        pytest.param(f"{sys.executable} stage.py; true", "time.sleep(60)", id="through a shell"),
    ],
)
def test_a_stage_ends_with_its_dvc(tmp_path: Path, shell_command: str, wait: str) -> None:
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    (tmp_path / "stage.py").write_text(STAGE.replace("WAIT", wait))
    with start_dvc(tmp_path, shell_command) as dvc:
        assert dvc.stdout
        assert dvc.stdout.readline() == "begun\n"
        time.sleep(0.5)
        assert not is_closed(dvc)
        dvc.kill()
        assert is_closed(dvc, seconds=30)


def is_closed(process: "subprocess.Popen[str]", seconds: float = 0) -> bool:
    """Whether no process holds its standard output any more, after that many seconds at most."""
    assert process.stdout
    return bool(select.select([process.stdout], [], [], seconds)[0]) and process.stdout.read() == ""


def test_a_stage_whose_dvc_was_killed_before_it_began_does_not_begin(tmp_path: Path) -> None:
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    (tmp_path / ".dvc/tmp/rwlock").write_text(json.dumps({"write": {"models": {"pid": 2**22 + 1}}}))  # no such process
    process = run_stage("print('begun')", tmp_path, DVC_STAGE="waiting")
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr == "error: .dvc/tmp/rwlock: names no dvc that runs this stage; the stage ends with it\n"


def test_a_stage_that_is_run_by_hand_needs_no_dvc(tmp_path: Path) -> None:
    process = run_stage("print('done')", tmp_path)
    assert (process.returncode, process.stdout) == (0, "done\n")
