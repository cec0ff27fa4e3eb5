"""Edits that `dvc exp apply` overwrote. DVC keeps them in a ref, and says so only if it fails."""

from collections.abc import Iterator

from dvc.repo.experiments.refs import APPLY_STASH

from dvc_guard.git import try_git
from dvc_guard.restore.stash import is_as_in, list_changes


def report_overwritten() -> Iterator[str]:
    """Yield how to get the edits that the last dvc exp apply on this commit overwrote, if any differs from the file."""
    parent = try_git("rev-parse", "--verify", "--quiet", f"{APPLY_STASH}^1")
    if parent and parent == try_git("rev-parse", "HEAD"):
        lost = [str(path) for path in list_changes(APPLY_STASH) if not is_as_in(path, APPLY_STASH)]
        if lost:
            show = f"git show {APPLY_STASH}:PATH, or all of them: git stash apply {APPLY_STASH}"
            yield f"Before dvc exp apply overwrote them, you had edited {', '.join(lost)}; {show}"
