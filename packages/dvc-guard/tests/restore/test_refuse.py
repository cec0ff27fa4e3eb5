import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import psutil
import pytest
from dvc.exceptions import DvcException

from dvc_guard.errors import GuardError
from dvc_guard.processes import is_dvc
from dvc_guard.restore.command_line import main
from dvc_guard.restore.refuse import find_experiment
from foreign_project import Project
from run.stage_project import wait_until


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_refuses_while_experiment_runs(project: Project, tmp_path: Path) -> None:
    started = tmp_path / "started"
    project.write("score.sh", f"touch {started}; sleep 60\n")
    project.commit()
    command = [sys.executable, "-m", "dvc", "exp", "run", "--temp", "--name", "one", "-S", "level=91"]
    dvc = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(started)
        with pytest.raises(GuardError, match=r"^experiment one is running \(PID "):
            main("restore", [])
    finally:
        subprocess.run(["pkill", "-KILL", "-P", str(dvc.pid)], check=False)
        dvc.kill()
        dvc.wait()


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python -u -m dvc repro", True),
        ("python3.11 -X dev -W error -m dvc commit", True),
        ("/venv/bin/python /venv/bin/dvc add x", True),
        ("dvc -v fetch", True),
        ("dvc --cd sub exp run --name a", True),
        ("python -m dvc status", False),
        ("python -m dvc exp show", False),
        ("python -m dvc daemon analytics", False),
        ("vim dvc add", False),
        ("python", False),
        ("", False),
    ],
)
def test_finds_commands_of_dvc_that_change_something(command: str, *, expected: bool) -> None:
    class Process:
        def cmdline(self) -> list[str]:
            return command.split()

    assert is_dvc(cast("psutil.Process", Process())) == expected


def test_refuses_while_dvc_runs_in_another_worktree(project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    (tmp_path / "dvc").write_text("input()\n")
    command = [sys.executable, "-u", str(tmp_path / "dvc"), "repro"]
    with subprocess.Popen(command, cwd=tmp_path / "linked", stdin=subprocess.PIPE) as dvc:
        with pytest.raises(GuardError, match=rf"^dvc is running \(PID {dvc.pid}: "):
            main("restore", [])
        dvc.communicate(b"\n")


def test_name_is_known_between_two_stages(project: Project) -> None:
    command = [sys.executable, "-c", "input()", "exp", "run", "--name", "three", "--temp"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as dvc:
        wait_until(lambda: find_experiment(psutil.Process(dvc.pid)) == "three", 10)
        dvc.communicate(b"\n")


def test_error_is_one_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DvcException("two\nlines")

    monkeypatch.setattr("dvc_guard.restore.command_line.refuse", fail)
    with pytest.raises(GuardError, match=r"^two lines$"):
        main("restore", [])
