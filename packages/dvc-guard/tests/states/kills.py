"""Kill restore, and its undo, at random moments: what comes after brings back the same."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from states.faults import kill_in_stage
from states.snapshot import BACKUPS, compare, list_lost, take
from states.table import run
from states.user_states import EDIT


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
