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

from stages.shared.workspace import EXECUTION, EXPERIMENT, LOCKS, WORKSPACE, WRITERS, read_writers
from tests.fake_dvc import start_stages

NAMES = [WORKSPACE, EXECUTION]
SHOW = "print(open('.dvc/tmp/exps/rwlock').read())"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    return tmp_path


def run_stages(folder: Path, *stages: str, **environment: str) -> tuple[int | None, str, str]:
    """Return exit status, standard output and standard error once all of it has ended, its guard too."""
    with start_stages(folder, *stages, **environment) as dvc:
        output, errors = dvc.communicate()
    return dvc.returncode, output, errors


def lock(folder: Path) -> AbstractContextManager[None]:
    """Hold what DVC holds while it sets a `dvc exp run` up in this folder."""
    (folder / LOCKS).mkdir(exist_ok=True)
    held: AbstractContextManager[None] = rwlock(str(folder / LOCKS), localfs, "dvc exp run", [], NAMES, False)
    return held


def test_the_names_are_those_of_dvc() -> None:
    assert EXECUTION == refs.EXEC_NAMESPACE
    assert refs.EXEC_MERGE == EXPERIMENT


def test_a_second_experiment_is_kept_out_until_the_dvc_of_the_stages_ends(folder: Path) -> None:
    with start_stages(folder, "print('begun')", "input()") as dvc:
        assert dvc.stdout
        assert dvc.stdout.readline() == "begun\n"
        time.sleep(0.5)  # between two stages, and in the second
        with pytest.raises(LockError, match=rf"guard of PID {dvc.pid}: "), lock(folder):
            pass
        dvc.communicate("\n")
    with lock(folder):
        assert dvc.returncode == 0


def test_the_guard_of_a_killed_dvc_ends_but_not_with_a_signal_for_the_terminal(folder: Path) -> None:
    with start_stages(folder, "print('begun')", "input()") as dvc:
        assert dvc.stdout
        assert dvc.stdout.readline() == "begun\n"
        guard = read_writers(folder / WRITERS)["workspace"]["pid"]
        assert os.getsid(guard) == guard
        dvc.kill()  # and nothing waits for it yet
        deadline = time.monotonic() + 10
        while read_writers(folder / WRITERS):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_the_guard_of_a_folder_that_is_removed_ends_in_silence(folder: Path) -> None:
    assert run_stages(folder, f"import shutil; shutil.rmtree('{LOCKS}')") == (0, "", "")


def test_the_stages_of_one_dvc_share_a_guard(folder: Path) -> None:
    status, output, errors = run_stages(folder, SHOW, SHOW)
    first, second = output.splitlines()
    assert (status, errors) == (0, "")
    assert first == second
    assert list(json.loads(first)["write"]) == NAMES
    assert json.loads((folder / WRITERS).read_text()).get("write", {}) == {}


def test_a_stage_waits_for_what_holds_the_workspace_for_a_moment(folder: Path) -> None:
    with lock(folder):
        dvc = start_stages(folder, "print('begun')")
        time.sleep(2)
    with dvc:
        assert dvc.communicate() == ("begun\n", "")


def test_a_stage_does_not_begin_where_another_dvc_holds_the_workspace(folder: Path) -> None:
    with lock(folder):
        status, output, errors = run_stages(folder, "print('begun')")
    assert (status, output) == (1, "")
    assert re.match(
        r"error: .dvc/tmp/exps/rwlock: '.+' is busy, it is being blocked by: \(PID \d+\): dvc exp run", errors
    )
    assert errors.count("\n") == 1


@pytest.mark.parametrize("content", ["", '{"write": {"workspace": {"pid": 1'])
def test_broken_locks_are_named(folder: Path, content: str) -> None:
    (folder / LOCKS).mkdir()
    (folder / WRITERS).write_text(content)
    status, output, errors = run_stages(folder, "print('begun')")
    assert (status, output) == (1, "")
    assert errors.startswith("error: .dvc/tmp/exps/rwlock: Unable to read RWLock-file")
    assert errors.count("\n") == 1


def test_a_guard_that_was_killed_is_replaced_and_its_lock_taken_over(folder: Path) -> None:
    gone = 2**22 + 1  # no such process: what was killed can remain in the system's table for a while
    kill = f"p = '{WRITERS}'; t = open(p).read(); pid = json.loads(t)['write']['workspace']['pid']; "
    kill += f"os.kill(pid, {signal.SIGKILL}); open(p, 'w').write(t.replace(str(pid), '{gone}'))"
    status, output, errors = run_stages(folder, f"import json, os; {kill}", SHOW)
    assert status == 0
    assert all(json.loads(output)["write"][name]["pid"] != gone for name in NAMES)
    assert f"(Pid {gone}), in RWLock-file 'workspace' had been killed. Auto removed it" in errors


def test_a_run_in_a_folder_apart_needs_no_guard(folder: Path) -> None:
    apart = folder / ".dvc/tmp/exps/apart"
    (apart / ".dvc/tmp").mkdir(parents=True)
    assert run_stages(apart, "print('begun')", DVC_ROOT=str(folder)) == (0, "begun\n", "")
    assert not (apart / LOCKS).exists()


@pytest.mark.parametrize(
    ("last", "expected"), [("dvc-exp:1a2b:3c4d:one", 0), ("dvc-exp:1a2b:3c4d:other", 1), (None, 1)]
)
def test_an_experiment_does_not_begin_with_the_settings_of_another(folder: Path, last: Any, expected: int) -> None:
    git = ("git", "-c", "user.name=Any", "-c", "user.email=any@example.org", "-C", str(folder))
    subprocess.run([*git, "init", "--quiet"], check=True)
    if last is not None:
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", f"On (no branch): {last}"], check=True)
        subprocess.run([*git, "update-ref", "refs/exps/exec/EXEC_MERGE", "HEAD"], check=True)
    status, output, errors = run_stages(folder, "print('begun')", DVC_EXP_NAME="one")
    assert (status, errors.count("\n")) == (expected, expected)
    assert output == ("" if expected else "begun\n")
    assert errors.startswith("error: params.yaml: can be of another dvc exp run" if expected else "")
