import json
import os
import re
import subprocess
from contextlib import AbstractContextManager

import pytest
from dvc.fs import localfs
from dvc.repo.experiments import refs
from dvc.rwlock import rwlock

from dvc_guard.run.dvc import read_lock_file
from dvc_guard.run.lock_holder import EXECUTION, LOCKS, NAMES
from dvc_guard.run.workspace import EXPERIMENT
from run.stage_project import StageProject, wait_until

USERS = LOCKS / "rwlock"
SHOW = f"dvc-guard run cat {USERS}"
GONE = 2**22 + 1  # no process has such an ID


def lock() -> AbstractContextManager[None]:
    """Hold the locks that DVC holds while it sets up an experiment."""
    LOCKS.mkdir(exist_ok=True)
    held: AbstractContextManager[None] = rwlock(str(LOCKS), localfs, "dvc exp run", [], list(NAMES), False)
    return held


def test_uses_names_of_dvc() -> None:
    assert EXECUTION == refs.EXEC_NAMESPACE
    assert refs.EXEC_MERGE == EXPERIMENT


def test_stages_of_one_dvc_share_a_holder(stages: StageProject) -> None:
    status, output, errors = stages.run_stages(SHOW, SHOW)
    assert (status, errors) == (0, "")
    first, second = output.replace("}{", "}\n{").splitlines()
    assert first == second
    holder = json.loads(first)["write"]["workspace"]
    assert json.loads(first) == {"write": dict.fromkeys(NAMES, holder), "read": {}}
    wait_until(lambda: read_lock_file(USERS) == {"write": {}, "read": {}}, 10)


def test_holder_ends_with_killed_dvc(stages: StageProject) -> None:
    with stages.stand_in("dvc-guard run sh -c 'echo begun; sleep 60'") as dvc:
        assert dvc.stdout
        assert dvc.stdout.readline() == "begun\n"
        holder = read_lock_file(USERS)["write"]["workspace"]["pid"]
        assert os.getsid(holder) == holder, "Ctrl+C does not reach it"
        dvc.kill()  # it stays a zombie
        wait_until(lambda: not read_lock_file(USERS)["write"], 10)


def test_holder_of_removed_folder_ends(stages: StageProject) -> None:
    assert stages.run_stages(f"dvc-guard run rm -r {LOCKS}") == (0, "", "")
    wait_until(lambda: not stages.list_processes(), 10)


def test_waits_for_a_lock_held_briefly(stages: StageProject) -> None:
    with lock():
        dvc = stages.stand_in("dvc-guard run echo begun")
        with pytest.raises(subprocess.TimeoutExpired):
            dvc.wait(1)
    with dvc:
        assert dvc.communicate() == ("begun\n", "")


def test_rejects_workspace_locked_by_another_dvc(stages: StageProject) -> None:
    with lock():
        status, output, errors = stages.run_stages("dvc-guard run echo begun")
    assert (status, output) == (1, "")
    message = r"error: .dvc/tmp/exps/rwlock: 'workspace' is busy, it is being blocked by: \(PID \d+\): dvc exp run\n"
    assert re.fullmatch(message, errors)


@pytest.mark.parametrize("content", ["", '{"write": {"workspace": {"pid": 1'])
def test_names_damaged_lock_file(stages: StageProject, content: str) -> None:
    stages.write(str(USERS), content)
    status, output, errors = stages.run_stages("dvc-guard run echo begun")
    assert (status, output) == (1, "")
    assert errors == "error: .dvc/tmp/exps/rwlock: Unable to read RWLock-file; to fix: dvc-guard restore\n"


def test_replaces_killed_processes(stages: StageProject) -> None:
    gone = {"pid": GONE, "cmd": "dvc"}
    others = {"refs/other": {"pid": 1, "cmd": "dvc"}}
    users = {"write": {"workspace": gone, f"{EXECUTION}/HEAD": gone, **others}, "read": {"workspace": [gone]}}
    stages.write(str(USERS), json.dumps(users))
    status, output, errors = stages.run_stages(SHOW)
    assert (status, errors) == (0, "")
    assert json.loads(output)["write"].keys() == {*NAMES, *others}
    assert json.loads(output)["read"] == {}
    wait_until(lambda: read_lock_file(USERS)["write"] == others, 10)
    with lock():
        pass  # DVC accepts what the holder wrote


def test_does_not_lock_for_a_temporary_folder(stages: StageProject) -> None:
    assert stages.run_stages("dvc-guard run echo begun", DVC_ROOT=str(stages.folder.parent)) == (0, "begun\n", "")
    assert not read_lock_file(USERS)["write"]


@pytest.mark.parametrize(("last", "expected"), [("one", 0), ("other", 1), (None, 1)])
def test_rejects_parameters_of_another_experiment(stages: StageProject, last: str | None, expected: int) -> None:
    if last is not None:
        message = f"On (no branch): dvc-exp:1a2b:3c4d:{last}"
        commit = stages.git("commit-tree", "HEAD^{tree}", "-m", message).strip()
        stages.git("update-ref", EXPERIMENT, commit)
    status, output, errors = stages.run_stages("dvc-guard run echo begun", DVC_EXP_NAME="one")
    assert (status, output) == (expected, "" if expected else "begun\n")
    assert errors.startswith("error: params.yaml: another dvc exp run, started at the same time" if expected else "")


@pytest.mark.parametrize(
    ("environment", "has_note"),
    [({"DVC_EXP_NAME": "one"}, True), ({}, False), ({"DVC_EXP_NAME": "one", "DVC_ROOT": "/"}, False)],
    ids=["exp run", "repro", "exp run --temp"],
)
def test_failed_experiment_says_how_to_restore(
    stages: StageProject, environment: dict[str, str], *, has_note: bool
) -> None:
    stages.write("params.yaml", "step: 2\n")
    status, _, errors = stages.run_stages("dvc-guard run false", **environment)
    assert status == 1
    note = "note: params.yaml: the values of this experiment stay; to restore the last commit: dvc-guard restore\n"
    assert errors.endswith(note) == has_note
