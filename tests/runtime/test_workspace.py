import json
import os
import re
import signal
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from dvc.fs import localfs
from dvc.lock import LockError
from dvc.repo.experiments import refs
from dvc.rwlock import rwlock

from runtime.workspace import EXECUTION, EXPERIMENT, LOCKS, WORKSPACE, WRITERS, read_writers
from tests.runtime.fake_dvc import create_project, start_stages

NAMES = [WORKSPACE, EXECUTION]
SHOW = "print(open('.dvc/tmp/exps/rwlock').read())"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return create_project(tmp_path)


def run_stages(folder: Path, *stages: str, **environment: str) -> tuple[int | None, str, str]:
    """Return exit status, standard output and standard error when all processes have ended, the guard included."""
    with start_stages(folder, *stages, **environment) as dvc:
        output, errors = dvc.communicate()
    return dvc.returncode, output, errors


def lock(folder: Path) -> AbstractContextManager[None]:
    """Hold the locks that DVC holds while it sets up an experiment."""
    (folder / LOCKS).mkdir(exist_ok=True)
    held: AbstractContextManager[None] = rwlock(str(folder / LOCKS), localfs, "dvc exp run", [], NAMES, False)
    return held


def test_uses_names_of_dvc() -> None:
    assert EXECUTION == refs.EXEC_NAMESPACE
    assert refs.EXEC_MERGE == EXPERIMENT


def test_holds_lock_until_dvc_ends(folder: Path) -> None:
    with start_stages(folder, "print('begun')", "input()") as dvc:
        assert dvc.stdout
        assert dvc.stdout.readline() == "begun\n"
        time.sleep(0.5)  # between two stages, and in the second
        with pytest.raises(LockError, match=rf"guard of PID {dvc.pid}: "), lock(folder):
            pass
        dvc.communicate("\n")
    with lock(folder):
        assert dvc.returncode == 0


def test_guard_of_killed_dvc_ends(folder: Path) -> None:
    with start_stages(folder, "print('begun')", "input()") as dvc:
        assert dvc.stdout
        assert dvc.stdout.readline() == "begun\n"
        guard = read_writers(folder / WRITERS)["workspace"]["pid"]
        assert os.getsid(guard) == guard
        dvc.kill()  # it stays a zombie
        deadline = time.monotonic() + 10
        while read_writers(folder / WRITERS):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_guard_of_removed_folder_ends_silently(folder: Path) -> None:
    assert run_stages(folder, f"import shutil; shutil.rmtree('{LOCKS}')") == (0, "", "")


def test_stages_of_one_dvc_share_a_guard(folder: Path) -> None:
    status, output, errors = run_stages(folder, SHOW, SHOW)
    first, second = output.splitlines()
    assert (status, errors) == (0, "")
    assert first == second
    assert list(json.loads(first)["write"]) == NAMES
    assert json.loads((folder / WRITERS).read_text()).get("write", {}) == {}


def test_waits_for_a_lock_held_briefly(folder: Path) -> None:
    with lock(folder):
        dvc = start_stages(folder, "print('begun')")
        time.sleep(2)
    with dvc:
        assert dvc.communicate() == ("begun\n", "")


def test_rejects_workspace_locked_by_another_dvc(folder: Path) -> None:
    with lock(folder):
        status, output, errors = run_stages(folder, "print('begun')")
    assert (status, output) == (1, "")
    assert re.match(
        r"error: .dvc/tmp/exps/rwlock: '.+' is busy, it is being blocked by: \(PID \d+\): dvc exp run", errors
    )
    assert errors.count("\n") == 1


@pytest.mark.parametrize("content", ["", '{"write": {"workspace": {"pid": 1'])
def test_names_damaged_lock_file(folder: Path, content: str) -> None:
    (folder / LOCKS).mkdir()
    (folder / WRITERS).write_text(content)
    status, output, errors = run_stages(folder, "print('begun')")
    assert (status, output) == (1, "")
    assert errors.startswith("error: .dvc/tmp/exps/rwlock: Unable to read RWLock-file")
    assert errors.count("\n") == 1


def test_replaces_killed_guard(folder: Path) -> None:
    gone = 2**22 + 1  # no such process: a killed one can be a zombie for a while
    kill = f"p = '{WRITERS}'; t = open(p).read(); pid = json.loads(t)['write']['workspace']['pid']; "
    kill += f"os.kill(pid, {signal.SIGKILL}); open(p, 'w').write(t.replace(str(pid), '{gone}'))"
    status, output, errors = run_stages(folder, f"import json, os; {kill}", SHOW)
    assert status == 0
    assert all(json.loads(output)["write"][name]["pid"] != gone for name in NAMES)
    assert f"(Pid {gone}), in RWLock-file 'workspace' had been killed. Auto removed it" in errors


def test_does_not_lock_for_temporary_folder(folder: Path) -> None:
    apart = folder / ".dvc/tmp/exps/apart"
    create_project(apart)
    assert run_stages(apart, "print('begun')", DVC_ROOT=str(folder)) == (0, "begun\n", "")
    assert not (apart / LOCKS).exists()


@pytest.mark.parametrize(
    ("last", "expected"), [("dvc-exp:1a2b:3c4d:one", 0), ("dvc-exp:1a2b:3c4d:other", 1), (None, 1)]
)
def test_rejects_parameters_of_another_experiment(folder: Path, last: Any, expected: int) -> None:
    git = ("git", "-c", "user.name=Any", "-c", "user.email=any@example.org", "-C", str(folder))
    subprocess.run([*git, "init", "--quiet"], check=True)
    if last is not None:
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", f"On (no branch): {last}"], check=True)
        subprocess.run([*git, "update-ref", "refs/exps/exec/EXEC_MERGE", "HEAD"], check=True)
    status, output, errors = run_stages(folder, "print('begun')", DVC_EXP_NAME="one")
    assert (status, errors.count("\n")) == (expected, expected)
    assert output == ("" if expected else "begun\n")
    assert errors.startswith("error: params.yaml: another dvc exp run, started at the same time" if expected else "")
