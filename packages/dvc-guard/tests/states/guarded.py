"""Run the guarded stages in a state, refuse or kill the run, and restore: nothing of the user's may be lost.

It is in place, in the cache, in a commit or in the backup, but for what dvc itself loses (states.dvc_loses).
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from states.dvc_loses import DVC_LOSES
from states.snapshot import BACKUPS, Snapshot, git, hash_content, list_lost, list_saved, read_blobs, take
from states.table import is_of_user, run
from states.user_states import STATES

COMMANDS = {"dvc repro": ("repro", "--force"), "dvc exp run": ("exp", "run", "--force")}
# What the stage score does first: the guard refuses to record it, or it waits to be killed.
ENDS = {"refused": "echo edit >>settings.txt", "killed": "sleep 300"}
REACHED = "The stage ran."
CHANGED_BY_GIT = {"index", "ORIG_HEAD"}


def try_run(state: str, command: str, end: str) -> str:
    """Run the stages of a state in the current folder, and restore; return what was printed.

    That begins with REACHED, unless dvc ended before it ran the stage that is refused or killed.

    Raises:
        AssertionError: something was lost, or dvc does not lose any more what it used to.
    """
    STATES[state]()
    before, staged = take(), list_staged()
    has_run, output = run_stages(COMMANDS[command], end)
    status, restored = run()
    assert status == 0 or "error: " in restored, restored
    after = take()
    if has_run and end == "refused":
        assert Path("settings.txt").read_text().endswith("edit\n"), "the edit during the run is lost"
    lost = find_lost(before, staged, after)
    assert lost == find_loss_of_dvc(state, f"{command} {end}"), f"lost: {lost}; {output}{restored}"
    return f"{REACHED if has_run else ''}\n{output}{restored}"


def run_stages(command: tuple[str, ...], end: str) -> tuple[bool, str]:
    """Run dvc until it ends, or kill it when `score` runs; return whether that has run, and what dvc printed."""
    started = Path.cwd().parent / "started"
    process = start_dvc(*command, during=f"touch '{started}'; {ENDS[end]}")
    if end == "killed":
        kill_once_there_is(started, process)
    output = process.communicate()[0]
    if end == "refused" and started.exists():
        assert "error: settings.txt: changed while score ran; nothing was recorded" in output, output
    return started.exists(), output


def start_dvc(*command: str, during: str = "") -> "subprocess.Popen[str]":
    """Start dvc in a process group of its own; `score` first runs the commands of `during`."""
    return subprocess.Popen(
        [sys.executable, "-m", "dvc", *command],
        env=os.environ | {"DURING": during, "DVC_NO_ANALYTICS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill_once_there_is(path: Path, process: "subprocess.Popen[str]", seconds: float = 0) -> None:
    """Kill the process group of dvc some time after there is a file, unless it ends before."""
    while process.poll() is None and not path.exists():
        time.sleep(0.001)
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def find_lost(before: Snapshot, staged: dict[str, str], after: Snapshot) -> set[str]:
    """Return the files that are nowhere any more, and the user's edits that are no longer in place."""
    saved = list_saved((BACKUPS, Path(".dvc/cache/files")), "--all")
    lost = set(list_lost(before, after, saved))
    lost |= {path for path, value in before.files.items() if is_of_user(path) and after.files.get(path) != value}
    contents = saved | {value for _, value in after.files.values()}
    blobs = read_blobs(staged.keys() - list_staged().keys())
    lost |= {f"{staged[name]}, staged" for name, content in blobs.items() if hash_content(content) not in contents}
    lost = {str(Path(path).parent) if "/rebase-" in path else path for path in lost}
    return {path for path in lost if Path(path).name not in CHANGED_BY_GIT and path != "settings.txt"}


def find_loss_of_dvc(state: str, title: str) -> set[str]:
    """Return what dvc itself loses in a state, by the title of a run."""
    return {path for run, paths in DVC_LOSES.get(state, {}).items() if run in title for path in paths}


def list_staged() -> dict[str, str]:
    """Return the path of each object in the index."""
    entries = [entry.partition("\t") for entry in git("ls-files", "--stage", "-z").split("\0")[:-1]]
    return {entry.split()[1]: path for entry, _, path in entries if not entry.startswith("160000")}
