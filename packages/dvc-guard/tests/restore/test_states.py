"""A sample of the table of states; `python -m states` in packages/dvc-guard/tests tries all."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from dvc_guard.restore.command_line import main
from states.faults import kill_in_stage
from states.guarded import REACHED, try_run
from states.kills import try_kill, try_kill_of_experiment
from states.snapshot import compare, git, take
from states.table import copy, try_state
from states.template import isolate, make_template

RESTORED = "outputs match dvc.lock"
pytestmark = pytest.mark.slow
KEPT = f"{RESTORED}; your edits stay: "
# A state, a fault, whether the fault comes first, and what the last line says.
SAMPLE = [
    ("clean", "killed in a stage", False, RESTORED),
    ("new stage", "nothing", False, "these stages depend on your edits: mine"),
    ("edited data of dvc add", "nothing", False, f"{KEPT}labels.csv"),
    ("new file in a folder of dvc add", "damaged cache", False, f"{KEPT}pictures"),
    ("merge with conflicts", "damaged cache", False, "error: a merge is under way; end it first: git merge --continue"),
    ("cherry-pick with conflicts", "nothing", False, "error: a cherry-pick is under way"),
    ("revert with conflicts", "nothing", False, "error: a revert is under way"),
    ("rebase, stopped to edit", "nothing", False, "error: a rebase is under way"),
    ("bisection", "nothing", False, "error: a bisection is under way"),
    ("stash pop with conflicts", "nothing", False, "error: notes.md: unmerged; resolve it first"),
    ("staged, then edited again", "damaged cache", False, f"{KEPT}notes.md"),
    ("staged new file", "killed while stashing", False, f"{KEPT}new.md"),
    ("stash of libgit2", "killed while stashing", False, f"{KEPT}notes.md"),
    ("stash of libgit2 with a message", "damaged cache", False, f"{KEPT}notes.md"),
    ("linked worktree", "killed in a stage", False, f"{KEPT}notes.md"),
    ("project in a subfolder", "killed in a stage", False, f"{KEPT}outside.md"),
    ("temporary files of the user", "killed in a stage", True, KEPT),
    ("edited .gitignore beside outputs", "damaged cache", False, f"{KEPT}.gitignore"),
    ("output folder is a link", "nothing", False, KEPT),
    ("names of all kinds", "killed in a stage", True, KEPT),
    ("broken dvc.yaml", "damaged cache", False, "error: dvc.yaml cannot be read"),
    ("conflict markers in dvc.yaml", "nothing", False, "error: dvc.yaml cannot be read"),
    ("committed conflict markers", "killed in a stage", False, "error: dvc.yaml of the last commit cannot be read"),
    ("detached at the whole hash", "nothing", False, RESTORED),
    ("detached at a tag", "killed in a stage", False, RESTORED),
    ("edits overwritten by exp apply", "nothing", False, RESTORED),
    ("no commit", "nothing", False, "error: there is no commit yet"),
    ("no Git", "nothing", False, "is not in a Git repository; a download without .git has no commit: clone it"),
    ("of another owner", "nothing", False, "git config --global --add safe.directory"),
]
# A state, and a run that is refused or killed in it.
RUNS = [
    ("staged new file", "dvc exp run", "refused"),
    ("staged, then edited again", "dvc exp run", "killed"),
    ("file in an output folder", "dvc repro", "killed"),
]


@pytest.fixture(scope="session")
def states_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project that all states copy."""
    folder = tmp_path_factory.mktemp("states")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder)
        return make_template(folder / "template")


@pytest.fixture
def case(states_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a copy of the project."""
    isolate(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    copy(states_template, tmp_path / "case")


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize(("state", "fault", "late", "message"), SAMPLE)
def test_loses_nothing(*, state: str, fault: str, late: bool, message: str) -> None:
    assert message in try_state(state, fault, late=late).splitlines()[-1]


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize(("state", "command", "end"), RUNS)
def test_run_loses_nothing(state: str, command: str, end: str) -> None:
    assert try_run(state, command, end).startswith(REACHED)


@pytest.mark.usefixtures("case")
def test_experiment_killed_while_dvc_checks_it_out_loses_nothing() -> None:
    try_kill_of_experiment(Random(1))  # noqa: S311 - not for secrets


@pytest.mark.usefixtures("case")
def test_closed_pipe_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As that of `dvc-guard restore | head -1`."""
    kill_in_stage()
    before = take()
    for options in ([], ["--undo"]):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "w") as pipe, monkeypatch.context() as patch:
            patch.setattr("sys.stdout", pipe)
            assert main("restore", options) == 0
        assert bool(git("status", "--porcelain")) == bool(options)
    assert compare(before, take()) == []


@pytest.mark.usefixtures("case")
@pytest.mark.parametrize("option", ["", "--undo"])
def test_survives_kill(option: str) -> None:
    try_kill(Random(1), option)  # noqa: S311 - not for secrets


@pytest.mark.usefixtures("case")
def test_undo_brings_back_what_was_there_before_a_kill_at_the_end() -> None:
    """A kill while DVC's status is read leaves a lock of DVC, which the next restore removes."""
    kill_in_stage()
    before = take()
    program = """
import os
from dvc_guard.restore import command_line
command_line.report_status = lambda _: os._exit(9)
command_line.main("restore", [])
"""
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 9
    Path(".dvc/tmp/rwlock").write_text("{")
    for options in ([], ["--undo"]):
        assert main("restore", options) == 0
    assert compare(before, take()) == []
