import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dvc_guard.restore.command_line import main
from dvc_guard.restore.running import find_experiment
from foreign_project import Project


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (["repro"], "dvc"),
        (["exp", "run", "--name", "one", "-S", "level=91"], "experiment one"),
        (["exp", "run", "--temp", "--name", "two", "-S", "level=92"], "experiment two"),
    ],
)
def test_refuses_while_dvc_runs(
    project: Project, tmp_path: Path, capfd: pytest.CaptureFixture[str], command: list[str], what: str
) -> None:
    started = tmp_path / "started"
    project.write("score.sh", f"touch {started}; sleep 60\n")
    project.commit()
    dvc = subprocess.Popen(
        [sys.executable, "-m", "dvc", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(started)
        assert main("restore", []) == 1
        assert capfd.readouterr().err.startswith(f"error: {what} is running (PID ")
    finally:
        subprocess.run(["pkill", "-KILL", "-P", str(dvc.pid)], check=False)
        dvc.kill()
        dvc.wait()


def test_name_is_known_between_two_stages(project: Project) -> None:
    command = [sys.executable, "-c", "input()", "exp", "run", "--name", "three", "--temp"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as dvc:
        assert find_experiment(psutil.Process(dvc.pid)) == "three"
        dvc.communicate(b"\n")
