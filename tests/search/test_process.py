import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from search import process
from search.process import find_error

SLEEPER = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("pids").write_text(f"{child.pid}")
time.sleep(600)
"""
RUN = "import os; from search.process import run_dvc; run_dvc([], '.', os.open('lock', os.O_CREAT), lambda: False)"


@pytest.fixture
def dvc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of a module that is run in place of dvc."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "dvc.py"


def run(should_stop: bool = False) -> process.Ended:  # noqa: FBT001
    with Path("lock").open("w") as lock:
        return process.run_dvc(["exp", "run"], Path(), lock.fileno(), lambda: should_stop and Path("pids").exists())


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 20
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_returns_status_and_output(dvc: Path) -> None:
    dvc.write_text("import sys; print(sys.argv[1:]); print('error: no', file=sys.stderr); sys.exit(3)")
    assert run() == (3, "['exp', 'run']\nerror: no\n")


def test_environment_is_that_of_the_project(dvc: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    dvc.write_text(
        "import os, shutil; print(os.environ['PYTHONPATH'], 'GIT_DIR' in os.environ, shutil.which('python'))"
    )
    assert run().output == f"{tmp_path} False {Path(sys.executable).parent}/python\n"


def test_stops_all_processes(dvc: Path) -> None:
    dvc.write_text(SLEEPER)
    assert run(should_stop=True).status is None
    wait_for_end(int(Path("pids").read_text()))


def test_processes_end_with_the_worker(dvc: Path, tmp_path: Path) -> None:
    dvc.write_text(SLEEPER)
    search_path = os.pathsep.join((str(Path(process.__file__).parent.parent), str(tmp_path)))
    worker = subprocess.Popen([sys.executable, "-c", RUN], env=os.environ | {"PYTHONPATH": search_path})
    while not (Path("pids").exists() and Path("pids").read_text()):
        assert worker.poll() is None
        time.sleep(0.02)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    wait_for_end(int(Path("pids").read_text()))


@pytest.mark.parametrize(
    ("output", "error"),
    [
        ("Running stage\nerror: params.yaml: lr: too high\nERROR: failed to reproduce", "params.yaml: lr: too high"),
        (
            "Traceback\nValueError: bad\nERROR: failed to reproduce 't': failed to run: x, exited with 1",
            "ValueError: bad",
        ),
        (
            "\x1b[31mERROR\x1b[39m: unexpected error - No space left on device",
            "unexpected error - No space left on device",
        ),
        ("only  this", "only this"),
        ("", "dvc printed no error"),
        ("error: " + "x" * 1000, "x" * process.MAX_LENGTH),
    ],
)
def test_finds_error(output: str, error: str) -> None:
    assert find_error(output) == error
