"""HEAD. `dvc exp run` works on a detached HEAD; killed, it leaves it so."""

import re
from collections.abc import Iterator

from dvc_guard.git import get_git_path, git, try_git
from dvc_guard.restore import killed_run
from dvc_guard.restore.changes import Changes

HASH = "[0-9a-f]{40,64}"  # DVC names a commit by its whole hash


def attach_head(changes: Changes, branch: str | None) -> Iterator[str]:
    """Attach HEAD to the branch that DVC detached it from."""
    if branch:
        changes.keep(get_git_path("HEAD"))
        if not changes.dry_run:
            git("symbolic-ref", "-m", "restore: attach HEAD", "HEAD", f"refs/heads/{branch}")
        yield f"Attached HEAD to branch {branch}, from which a killed dvc exp run had detached it"


def find_detached_branch() -> str | None:
    """Return the branch that a killed run detached HEAD from; None if HEAD is attached, or was detached by the user."""
    if try_git("symbolic-ref", "--quiet", "HEAD") is not None:
        return None
    experiments = git("for-each-ref", "--format=%(objectname)", "refs/exps").splitlines()
    log = git("log", "--walk-reflogs", "--date=unix", "--format=%H %gd %gs", "HEAD").splitlines()
    entries = [re.fullmatch(r"(\w+) HEAD@\{(\d+)\} ?(.*)", line) for line in log]
    actions = [(entry[1], int(entry[2]), entry[3]) for entry in entries if entry]
    for number, (commit, seconds, action) in enumerate(actions):
        # DVC commits nothing but the experiment.
        if re.match("commit(?!: dvc: commit experiment )", action) and commit not in experiments:
            return None
        match = re.fullmatch(f"checkout: moving from (.+) to ({HASH})", action)
        if match and not re.fullmatch(HASH, match[1]):
            is_last = try_git("rev-parse", "--verify", "--quiet", f"refs/heads/{match[1]}") == match[2]
            before = actions[number + 1 : number + 2]
            is_amid_run = any(
                old == f"dvc: Restore HEAD to '{match[1]}'" and seconds - then <= killed_run.CHECKOUT_SECONDS
                for _, then, old in before
            )
            return match[1] if is_last and (is_amid_run or killed_run.has_detached_head(seconds)) else None
        if action.startswith("checkout: ") and not match:
            return None
    return None


def is_index_of_run() -> bool:
    """Return whether DVC was killed after it attached HEAD, and before it reset the index."""
    log = try_git("log", "-1", "--walk-reflogs", "--format=%gs", "HEAD") or ""
    index, head = get_git_path("index"), get_git_path("HEAD")
    return log.startswith("dvc: Restore HEAD") and index.exists() and index.stat().st_mtime < head.stat().st_mtime


def remove_refs_of_runs(changes: Changes) -> Iterator[str]:
    """Remove the refs of killed runs, one of which would make the next dvc exp run repeat the killed one."""
    for ref in killed_run.list_refs():
        changes.set_ref(ref, None)  # EXEC_BRANCH points to a recorded experiment, which stays
    yield from ()


def get_name() -> str:
    """Return the name of the current branch, or the short hash of a detached HEAD."""
    return try_git("symbolic-ref", "--short", "--quiet", "HEAD") or git("rev-parse", "--short", "HEAD")
