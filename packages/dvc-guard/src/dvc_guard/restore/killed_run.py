"""What DVC's own refs and locks say of a `dvc exp run` that was killed.

DVC first locks "workspace" and its stash of experiments, stashes the uncommitted changes in refs/stash, and makes the
experiment's commit, refs/exps/stash. Then it sets EXEC_HEAD, EXEC_MERGE (that commit) and EXEC_BASELINE, checks the
experiment out on a detached HEAD, and runs it. At the end it removes all of them but EXEC_HEAD.
"""

from pathlib import Path

from dvc_guard.git import get_git_path, git
from dvc_guard.run.dvc import read_lock_file
from dvc_guard.run.lock_holder import LOCKS
from dvc_guard.run.workspace import EXPERIMENT

EXEC_HEAD = "refs/exps/exec/EXEC_HEAD"
STASHES = ("refs/exps/stash", "refs/exps/celery/stash")
# The refs that DVC removes at the end of a run. Queued experiments are in refs/exps/celery.
REFS = (EXPERIMENT, "refs/exps/exec/EXEC_BASELINE", "refs/exps/exec/EXEC_BRANCH", STASHES[0], "refs/exps/temp")
CHECKOUT_SECONDS = 5  # DVC checks an experiment out within this time after it has written EXEC_HEAD and EXEC_MERGE


def list_refs() -> dict[str, str]:
    """Return the objects of the refs that a killed run left, by name."""
    lines = git("for-each-ref", "--format=%(refname) %(objectname)", *REFS).splitlines()
    return {ref: commit for ref, _, commit in (line.partition(" ") for line in lines)}


def find_stash_time() -> float | None:
    """Return when a run that was killed with changes in DVC's stash had begun to stash them, or None."""
    locks = LOCKS / "rwlock"
    locked = read_lock_file(locks).get("write", {}) if locks.is_file() else {}
    return locks.stat().st_mtime if any(stash in locked for stash in STASHES) else None


def find_checkout_time(ref: str) -> float | None:
    """Return when DVC wrote EXEC_HEAD or EXEC_MERGE, right before it checked an experiment out; None if not known."""
    path: Path = get_git_path(ref)
    return path.stat().st_mtime if path.is_file() else None


def has_detached_head(seconds: float) -> bool:
    """Return whether it was a killed run that detached HEAD at a time."""
    stash, checkout = find_stash_time(), find_checkout_time(EXEC_HEAD)
    is_while_stashing = stash is not None and seconds >= int(stash) - 1
    return is_while_stashing or (checkout is not None and -1 <= seconds - int(checkout) <= CHECKOUT_SECONDS)
