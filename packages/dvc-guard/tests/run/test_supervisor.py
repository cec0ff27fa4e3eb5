import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from run.stage_project import StageProject, wait_until

SLEEP = "dvc-guard run sh -c 'echo begun; sleep 60; true'"


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ("true", 0, ""),
        ("sh -c 'exit 3'", 3, ""),
        ("sh -c 'kill -TERM $$'", 143, ""),
        ("sh -c 'kill -KILL $$'", 137, ""),
        ("-- true", 0, ""),
        ("no-such-command", 127, "error: no-such-command: No such file or directory\n"),
        ("/", 126, "error: /: Permission denied\n"),
        ("", 2, "usage: dvc-guard run "),
        ("--no-such-option true", 2, "usage: dvc-guard run "),
    ],
)
@pytest.mark.parametrize("has_dvc", [True, False])
def test_passes_exit_status(stages: StageProject, command: str, status: int, message: str, *, has_dvc: bool) -> None:
    run = stages.run_stages if has_dvc else run_without_dvc
    found, output, errors = run(f"dvc-guard run {command}")
    assert (found, output) == (status, "")
    assert errors.startswith(message)
    assert bool(errors) == bool(message)


def run_without_dvc(command: str) -> tuple[int, str, str]:
    process = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False)
    status = process.returncode if process.returncode >= 0 else 128 - process.returncode
    return status, process.stdout, process.stderr


@pytest.mark.parametrize(
    ("deps", "message"),
    [
        ("missing", "error: missing: No such file or directory; run dvc repro, which creates what is missing\n"),
        ("[", "error: dvc.yaml, line 1: cannot be parsed: while parsing a flow sequence did not find expected"),
    ],
)
def test_rejects_in_one_line(stages: StageProject, deps: str, message: str) -> None:
    status, output, errors = stages.run_stages("dvc-guard run echo begun", deps=deps)
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith(message)


def test_stage_finds_modules_of_the_project(stages: StageProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    command = "dvc-guard run sh -c 'echo $PYTHONSAFEPATH'"
    assert stages.run_stages(command) == (0, "\n", "")
    assert run_without_dvc(command) == (0, "1\n", "")


def test_command_is_run_as_without_guard(stages: StageProject) -> None:
    """It has the standard streams, the folder, the environment, the process group and the signals of its caller."""
    report = 'cat; pwd; echo $ANY; ps -o pgid= $$; grep -E "Sig(Blk|Ign)" /proc/self/status; yes | head -1; echo >&2'
    stages.write("report.sh", report)
    guards = "'dvc-guard run' 'env -u DVC_STAGE dvc-guard run' ''"
    script = f"cd .dvc; for guard in {guards}; do echo 1 | $guard sh ../report.sh; done"
    status, output, errors = stages.run_stages(script, ANY="value")
    lines = output.splitlines()
    third = len(lines) // 3
    assert lines[:third] == lines[third : 2 * third] == lines[2 * third :]
    assert lines[:3] == ["1", f"{stages.folder}/.dvc", "value"]
    assert (status, errors) == (0, "\n" * 3)


def test_command_ends_with_what_it_started(stages: StageProject) -> None:
    command = "sh -c 'sleep 60 & (setsid sleep 60 &)'"
    assert stages.run_stages(f"dvc-guard run {command}", f"dvc-guard run {command}") == (0, "", "")
    wait_until(lambda: not stages.list_processes(), 10)


@pytest.mark.parametrize("victim", ["dvc", "guard", "supervisor", "group"])
def test_no_process_is_left_after_a_kill(stages: StageProject, victim: str) -> None:
    """The command has started a process, and an orphan in a session of its own."""
    command = "exec dvc-guard run sh -c 'sleep 60 & (setsid sleep 60 &); echo begun; sleep 60; true'"
    with stages.stand_in(command) as dvc:
        assert dvc.stdout
        assert dvc.stdout.readline() == "begun\n"
        [guard] = psutil.Process(dvc.pid).children()
        [supervisor] = guard.children()
        wait_until(lambda: len(supervisor.children(recursive=True)) == 4, 10)
        if victim == "group":
            os.killpg(dvc.pid, signal.SIGKILL)
        else:
            {"dvc": psutil.Process(dvc.pid), "guard": guard, "supervisor": supervisor}[victim].kill()
        dvc.communicate(timeout=10)
    assert dvc.returncode != 0
    wait_until(lambda: not stages.list_processes(), 10)


def test_termination_reaches_command_once(stages: StageProject) -> None:
    script = "trap 'echo TERM' TERM; echo begun; i=0; while [ $i -lt 10 ]; do sleep 0.1; i=$((i + 1)); done; exit 5"
    stages.write("script.sh", script)
    with stages.stand_in("exec dvc-guard run sh script.sh") as dvc:
        assert dvc.stdout
        assert dvc.stdout.readline() == "begun\n"
        [guard] = psutil.Process(dvc.pid).children()
        guard.terminate()
        assert dvc.communicate(timeout=60) == ("TERM\n", "")
    assert dvc.returncode == 5


def test_ends_with_killed_dvc_that_has_a_shell_between(stages: StageProject) -> None:
    with stages.stand_in(f"{SLEEP}; true") as dvc:
        assert_ends_when_killed(stages, dvc)


def test_ends_with_killed_dvc_while_it_hashes(stages: StageProject) -> None:
    with Path("large").open("wb") as file:
        file.truncate(2**35)
    with stages.stand_in("echo begun; exec dvc-guard run --verify true", deps="large") as dvc:
        assert_ends_when_killed(stages, dvc)


def test_ends_with_killed_worker_of_queue(stages: StageProject) -> None:
    worker = [sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])"]
    with stages.stand_in("exec-run", SLEEP, worker=worker) as process:
        assert_ends_when_killed(stages, process)


def test_does_not_start_after_worker_of_queue_was_killed(stages: StageProject) -> None:
    worker = [sys.executable, "-c", "import subprocess, sys; subprocess.Popen(sys.argv[1:])"]
    with stages.stand_in("exec-run", "sleep 0.5; dvc-guard run echo begun", worker=worker) as process:
        output, errors = process.communicate()
    assert output == ""
    assert errors == "error: the worker of the queue has ended; the stage ends\n"


def assert_ends_when_killed(stages: StageProject, process: "subprocess.Popen[str]") -> None:
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.5)
    assert process.poll() is None
    process.kill()
    wait_until(lambda: not stages.list_processes(), 10)


def test_does_not_start_after_dvc_was_killed(stages: StageProject) -> None:
    stages.write(".dvc/tmp/rwlock", '{"write": {"out": {"pid": 4194305, "cmd": "dvc"}}}')
    process = subprocess.run(
        ["dvc-guard", "run", "echo", "begun"],
        env=os.environ | {"DVC_STAGE": "any"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr == "error: .dvc/tmp/rwlock: parent dvc process not found; the stage ends\n"
