"""Try states with faults: restore, and undo it; nothing may be lost, and after the undo all is as before."""

import contextlib
import io
import os
import subprocess
from pathlib import Path

from dvc_guard.errors import GuardError
from dvc_guard.restore.command_line import main
from states.faults import FAULTS
from states.snapshot import Snapshot, compare, git, hash_content, list_lost, take
from states.user_states import STATES

# What restore brings back to the last commit; all else stays in place.
OF_DVC = {"data", "params.yaml", "dvc.lock", "metrics.json", "report.txt", ".gitignore"}


def copy(template: Path, folder: Path) -> None:
    """Change to a copy of the template; links stay links, and times stay."""
    folder.parent.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", template, folder], check=True)
    os.chdir(folder)


def try_state(state: str, fault: str, *, late: bool = False) -> str:
    """Make a state and a fault in the current folder, the state last if `late`; return the output of restore.

    Raises:
        AssertionError: something was lost, or undo does not bring it back.
    """
    steps = (FAULTS[fault], STATES[state]) if late else (STATES[state], FAULTS[fault])
    steps[0]()
    of_user = take()
    steps[1]()
    before = take()
    of_user = before if late else of_user
    found = list_contents(before)
    status, dry = run("--dry-run")
    changed = compare(before, take())
    assert changed == [], f"a dry run changes {changed}"
    status, output = run()
    after = take()
    lost = list_lost(before, after)
    assert lost == [], f"lost {lost}; restore printed: {output}"
    assert "Traceback" not in output, output
    assert status in {0, 1}, output
    if status == 0:
        edits = {path for path in compare(of_user, after) if path in of_user.files and is_of_user(path)}
        edits = {path for path in edits if of_user.files[path][1] in found}
        assert edits == set(), f"no longer in place: {edits}; {output}"
        assert "What was there" not in run()[1], "a second restore finds something"
        assert dry.splitlines()[:-1] or "What was there" not in output, f"the dry run did not say: {output}"
    else:
        assert "error: " in output, output
    if "What was there" in output:
        undone, message = run("--undo")
        assert undone == 0, message
    changed = compare(before, take())
    assert changed == [], f"not as before, after undo: {changed}; restore printed: {output}"
    return output


def list_contents(before: Snapshot) -> set[str]:
    """Hash what the fault has left, in the workspace or in what DVC stashed: the edits that can be recovered."""
    stashed = [git("show", f"{ref}:./notes.md") for ref in ("refs/stash", "refs/exps/exec/EXEC_MERGE")]
    hashes = {hash_content(os.fsencode(content)) for content in stashed}
    return hashes | {value for _, value in before.files.values()}


def is_of_user(path: str) -> bool:
    """Return whether a file is neither one that DVC writes, nor Git's, nor in an output."""
    return not path.startswith((".git/", ".dvc/", "data/", "report.txt/", "moved/", "..")) and path not in OF_DVC


def run(*options: str) -> tuple[int, str]:
    """Run dvc-guard restore in this process; return its exit status and what it prints."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            status = main("restore", list(options))
        except GuardError as error:
            print(f"error: {error}")
            status = 1
    return status, output.getvalue().strip()
