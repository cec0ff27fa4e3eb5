"""HEAD and the index. `dvc exp run` works on a detached HEAD with staged changes; killed, it leaves both."""

import re
from collections.abc import Iterator

from dvc_guard.git import get_git_folder, git, try_git

# Refs that DVC removes at the end of a run. Queued experiments are in refs/exps/celery.
REFS_OF_RUNS = ("refs/exps/exec", "refs/exps/stash", "refs/exps/temp")


def reattach_head() -> Iterator[str]:
    """Attach HEAD to the branch that DVC detached it from, and unstage changes."""
    branch = find_detached_branch()
    if branch:
        git("symbolic-ref", "-m", "restore: attach HEAD", "HEAD", f"refs/heads/{branch}")
        yield f"Attached HEAD to branch {branch}, from which a killed dvc exp run had detached it"
    if try_git("diff", "--cached", "--name-only") is None:  # an index that cannot be read
        (get_git_folder() / "index").unlink(missing_ok=True)
        yield "Recreated the index of Git, which was damaged"
    staged = try_git("diff", "--cached", "--name-only") or ""
    git("reset", "--quiet")
    if staged and branch:
        yield f"Unstaged {', '.join(staged.splitlines())}"


def remove_refs_of_runs() -> Iterator[str]:
    """Remove the refs of killed runs, one of which would make the next dvc exp run repeat the killed one."""
    for ref in git("for-each-ref", "--format=%(refname)", *REFS_OF_RUNS).splitlines():
        git("update-ref", "--no-deref", "-d", ref)  # EXEC_BRANCH points to a recorded experiment, which stays
    yield from ()


def find_detached_branch() -> str | None:
    """Return the branch that DVC detached HEAD from, or None if HEAD is attached, or was detached by the user.

    DVC names a commit by its whole hash, and commits nothing but the experiment.
    """
    if try_git("symbolic-ref", "--quiet", "HEAD") is not None:
        return None
    experiments = git("for-each-ref", "--format=%(objectname)", "refs/exps").splitlines()
    for line in git("log", "--walk-reflogs", "--format=%H %gs", "HEAD").splitlines():
        commit, _, action = line.partition(" ")
        if re.match("commit(?!: dvc: commit experiment )", action) and commit not in experiments:
            return None
        match = re.fullmatch("checkout: moving from (.+) to (.+)", action)
        if match and not re.fullmatch("[0-9a-f]{40}", match[1]):
            is_last = try_git("rev-parse", "--verify", "--quiet", f"refs/heads/{match[1]}") == match[2]
            return match[1] if is_last else None
    return None


def get_name() -> str:
    """Return the name of the current branch, or the short hash of a detached HEAD."""
    return try_git("symbolic-ref", "--short", "--quiet", "HEAD") or git("rev-parse", "--short", "HEAD")
