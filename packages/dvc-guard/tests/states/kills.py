"""Kill restore, its undo, and `dvc exp run` at random moments: what comes after brings back the same."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from states.faults import kill_in_stage
from states.guarded import find_lost, kill_once_there_is, list_staged, start_dvc
from states.snapshot import BACKUPS, compare, git, list_lost, take
from states.table import run
from states.user_states import EDIT, in_linked_worktree


def try_kill(random: Random, option: str = "") -> str:
    """Kill restore in the current folder, or its undo; return what it had done.

    Raises:
        AssertionError: something was lost, or undo does not bring it back.
    """
    Path("notes.md").write_text(EDIT)
    Path("new.md").write_text("new\n")
    kill_in_stage()
    before = take()
    if option:
        assert run()[0] == 0
    kill_at_random_moment(random, option)
    done = f"{len(list(BACKUPS.glob('*/journal')))} backups, {len(compare(before, take()))} differ from before"
    lost = list_lost(before, take())
    assert lost == [], f"lost {lost}"
    if not option:
        status, output = run()
        assert status == 0, output
        assert Path("notes.md").read_text() == EDIT
        lost = list_lost(before, take())
        assert lost == [], f"lost {lost}; restore printed: {output}"
    run("--undo")
    changed = compare(before, take())
    assert changed == [], f"not as before, after undo: {changed}"
    return done


def try_kill_of_experiment(random: Random) -> str:
    """Kill `dvc exp run` within 20 ms after it has begun to check out edits in a linked worktree; restore.

    Raises:
        AssertionError: something was lost, or is no longer in place.
    """
    in_linked_worktree()
    Path("score.sh").write_text(f"{Path('score.sh').read_text()}# {EDIT}")
    before, staged = take(), list_staged()
    began = Path(git("rev-parse", "--git-path", "refs/exps/exec/EXEC_MERGE").strip())
    process = start_dvc("exp", "run")
    kill_once_there_is(began, process, random.uniform(0, 0.02))
    printed = process.communicate()[0]
    assert process.returncode == -signal.SIGKILL, printed
    status, output = run()
    assert status == 0, output
    lost = find_lost(before, staged, take())
    assert lost == set(), f"lost {lost}; restore printed: {output}"
    return output


def kill_at_random_moment(random: Random, option: str) -> None:
    """Start restore, and kill it some time after its first change, or after its start."""
    known = set(BACKUPS.glob("*"))
    command = [sys.executable, "-m", "dvc_guard", "restore", *filter(None, [option])]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if random.random() < 0.9:
        while process.poll() is None and set(BACKUPS.glob("*")) == known:
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.25 if option else 1))
    else:
        time.sleep(random.uniform(0, 2))
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process.wait()
