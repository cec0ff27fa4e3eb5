"""`dvc-guard run` in a project whose stages are in shell and awk, with the real dvc."""

import contextlib
import os
import pty
from pathlib import Path

import pytest

from dvc_guard.run.dvc import read_lock_file
from dvc_guard.run.lock_holder import LOCKS
from run.stage_project import StageProject, wait_until

pytestmark = pytest.mark.slow


def edit(*names: str) -> None:
    for name in names:
        with Path(name).open("a") as file:
            file.write("# An edit.\n")


def test_records_stages(stages: StageProject) -> None:
    assert (stages.folder / "count.txt").read_text() == "2\n"
    edit("copy.sh")
    assert "Running stage 'copy'" in stages.dvc("repro").stdout
    assert "up to date" in stages.dvc("status").stdout


def test_rejects_input_changed_while_running(stages: StageProject) -> None:
    edit("count.awk")
    lock = Path("dvc.lock").read_text()
    dvc = stages.start("repro")
    stages.replace("params.yaml", "step: 1", "step: 2")
    output = stages.finish(dvc)
    assert dvc.returncode != 0
    message = "params.yaml: step: changed from 1 to 2 while count ran; nothing was recorded; run the command again"
    assert f"error: {message}\n" in output
    assert Path("dvc.lock").read_text() == lock


def test_second_experiment_is_refused_while_one_runs(stages: StageProject) -> None:
    dvc = stages.start("exp", "run", "--name", "one", "-S", "step=2")
    for options in ((), ("--queue",), ("--temp",)):
        other = stages.dvc("exp", "run", *options, "-S", "step=3")
        assert other.returncode != 0, options
        assert f"guard of PID {dvc.pid}: " in other.stdout
        assert "is being blocked by" in other.stdout
    output = stages.finish(dvc)
    assert dvc.returncode == 0, output
    assert stages.git("rev-list", "--count", "--glob", "refs/exps/*/*/one") != "0\n"
    wait_until(lambda: not read_lock_file(LOCKS / "rwlock")["write"], 10)


def test_rejects_damaged_dependency(stages: StageProject) -> None:
    [cached] = [path for path in Path(".dvc/cache/files").rglob("*") if path.is_file() and path.read_text() == "1\n2\n"]
    for path in (cached, Path("copied.txt")):
        path.chmod(0o600)
        path.write_text("1\n3\n")
        path.chmod(0o444)
    Path("copied.txt").unlink()
    edit("count.awk")
    output = stages.dvc("repro").stdout
    assert "error: copied.txt: MD5 differs from dvc.lock; to restore it: " in output


def test_rejects_another_version(stages: StageProject) -> None:
    stages.write("versions.yaml", "dvc: 0.1\n")
    assert "error: versions.yaml: dvc: 0.1 is required, " in stages.dvc("repro").stdout


def test_interrupt_of_terminal_reaches_command_once(stages: StageProject) -> None:
    stages.write("copy.sh", "trap 'echo INT >> signals; exit 3' INT; touch started; sleep 60 & wait; wait\n")
    pid, terminal = pty.fork()
    if pid == 0:
        # bash becomes the command; dash waits for it, and ends by the signal itself.
        os.execlpe("dvc", "dvc", "repro", os.environ | {"SHELL": "/bin/bash"})  # noqa: S606 - no shell
    stages.wait_for("started")
    os.write(terminal, b"\x03")
    output = read_all(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0
    assert "dvc-guard run sh copy.sh, exited with 3" in output
    assert Path("signals").read_text() == "INT\n"
    wait_until(lambda: not stages.list_processes(), 10)


def read_all(terminal: int) -> str:
    """Read the output of a terminal until no process has it open."""
    output = b""
    with contextlib.suppress(OSError):
        while block := os.read(terminal, 1000):
            output += block
    return " ".join(output.decode().split())


TEMPLATES = """\
vars: [{source: raw}]
stages:
  prepare:
    matrix: {name: [a, b]}
    wdir: ${item.name}
    cmd: dvc-guard run cp ../../${source}.txt out.txt
    deps: ["../../${source}.txt"]
    params: [{../settings.json: [model.sizes.0]}]
    outs: [out.txt]
  join:
    cmd: dvc-guard run sh -c 'cat */out.txt > joined.txt; echo 1 > settings.toml'
    deps: [a/out.txt, b/out.txt]
    params: [settings.toml: ]
    outs: [joined.txt]
"""


def test_reads_templates_of_dvc_in_a_subdirectory(stages: StageProject) -> None:
    stages.write("sub/dvc.yaml", TEMPLATES)
    stages.write("sub/settings.json", '{"model": {"sizes": [1, 2]}}')
    stages.write("sub/settings.toml", "a = 1\n")
    for name in ("a", "b"):
        stages.write(f"sub/{name}/.gitkeep", "")
    process = stages.dvc("repro", "sub/dvc.yaml")
    assert process.returncode != 0
    assert "error: settings.toml: changed while sub/dvc.yaml:join ran; " in process.stdout
    assert Path("sub/joined.txt").read_text() == "1\n2\n" * 2
    assert "Stage 'sub/dvc.yaml:prepare@b' didn't change" in stages.dvc("repro", "--dry", "sub/dvc.yaml").stdout
