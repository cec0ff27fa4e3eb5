import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.clone import ROOT
from tests.runtime.fake_dvc import create_project, stage_command, start_dvc


@pytest.mark.parametrize(
    ("shell_command", "wait"),
    [
        pytest.param(
            f"exec {sys.executable} stage.py",
            "ctypes.PyDLL(None).sleep(60)",  # holds the GIL, so that no thread can run
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent"),
            id="exec",
        ),
        pytest.param(f"{sys.executable} stage.py; true", "time.sleep(60)", id="shell"),
    ],
)
def test_stage_ends_with_killed_dvc(tmp_path: Path, shell_command: str, wait: str) -> None:
    create_project(tmp_path)
    (tmp_path / "stage.py").write_text(stage_command(f"print('begun'); {wait}")[-1])
    with start_dvc(tmp_path, shell_command) as dvc:
        assert_stage_ends_when_killed(dvc, seconds=30)


def test_stage_ends_with_killed_queue_worker(tmp_path: Path) -> None:
    create_project(tmp_path)
    (tmp_path / "stage.py").write_text(stage_command("print('begun'); time.sleep(60)")[-1])
    worker = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])"]
    with start_dvc(tmp_path, "exec-run", f"exec {sys.executable} stage.py", worker=worker) as process:
        assert_stage_ends_when_killed(process, seconds=2)


def assert_stage_ends_when_killed(process: "subprocess.Popen[str]", seconds: float) -> None:
    """Kill the process when its stage has begun; the stage ends within that time."""
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.5)
    assert not is_closed(process)
    process.kill()
    assert is_closed(process, seconds=seconds)


def is_closed(process: "subprocess.Popen[str]", seconds: float = 0) -> bool:
    """Return whether, within that time, no process has the standard output open any more."""
    assert process.stdout
    return bool(select.select([process.stdout], [], [], seconds)[0]) and process.stdout.read() == ""


def test_stage_does_not_start_after_its_dvc_was_killed(tmp_path: Path) -> None:
    create_project(tmp_path)
    no_process = 2**22 + 1
    (tmp_path / ".dvc/tmp/rwlock").write_text(json.dumps({"write": {"models": {"pid": no_process}}}))
    process = subprocess.run(
        stage_command("print('begun')"),
        cwd=tmp_path,
        env=os.environ | {"DVC_STAGE": "waiting", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr == "error: .dvc/tmp/rwlock: parent dvc process not found; the stage ends\n"
