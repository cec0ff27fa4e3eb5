"""Uncommitted changes that `dvc exp run` had stashed when it was killed.

DVC stashes them while it creates the commit of the experiment, and again overwrites them with HEAD for a moment, when
it checks that commit out.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from dvc_guard.git import get_git_folder, get_root, git, read_object, try_git
from dvc_guard.run.workspace import EXPERIMENT

CHECKOUT_SECONDS = 5  # DVC checks an experiment out within this time after it has written the ref above


def recover_changes() -> Iterator[str]:
    """Recover the changes in stashes of DVC, and those that it overwrote."""
    recovered: list[str] = []
    while is_of_dvc("refs/stash"):
        recovered += check_out("refs/stash", list_changes("refs/stash"))
        git("stash", "drop", "--quiet")
    if is_of_dvc(EXPERIMENT):
        recovered += check_out(EXPERIMENT, find_overwritten())
    if recovered:
        yield f"Recovered uncommitted changes that the killed dvc exp run had stashed: {', '.join(sorted(recovered))}"


def is_of_dvc(stash: str) -> bool:
    """Return whether a stash is of DVC, and of the current commit.

    DVC stashes changes with a message that ends in a line break, which Git's does not, and experiments with a name.
    """
    content = read_object("commit", stash) or b""
    is_of_commit = f"parent {git('rev-parse', 'HEAD')}\n".encode() in content
    return is_of_commit and (content.endswith(b"\n") or b"\n\ndvc-exp:" in content)


def list_changes(stash: str) -> list[str]:
    """List the files that a stash changes, relative to the root of the repository."""
    changed = git("diff", "--name-only", "--no-renames", "-z", f"{stash}^1", stash).split("\0")
    return [path for path in changed if path and not path.startswith(".dvc/tmp/")]


def find_overwritten() -> Iterator[str]:
    """Yield the files of the experiment that are as in HEAD, or partly written, since DVC wrote its ref."""
    ref = get_git_folder() / EXPERIMENT
    began = ref.stat().st_mtime if ref.exists() else 0
    changed = git("diff", "--name-only", "-z", "HEAD").split("\0")
    changed += git("ls-files", "--others", "--exclude-standard", "--full-name", "-z").split("\0")
    root = get_root()
    for path in list_changes(EXPERIMENT):
        file = root / path
        seconds = file.stat().st_mtime - began if file.exists() else 0
        if -1 <= seconds <= CHECKOUT_SECONDS and (path not in changed or is_partly_written(file, path)):
            yield path


def is_partly_written(file: Path, path: str) -> bool:
    """Return whether a file, `path` in Git, is missing or truncated: DVC was killed while it wrote it."""
    content = file.read_bytes() if file.is_file() else b""
    blobs = [blob for commit in (EXPERIMENT, "HEAD") if (blob := read_object("blob", f"{commit}:{path}")) is not None]
    return len(blobs) == 2 and any(len(content) < len(blob) and blob.startswith(content) for blob in blobs)


def check_out(stash: str, paths: Iterable[str]) -> list[str]:
    """Copy files from a stash to the workspace, or remove those that it removes; return their paths."""
    root, checked_out = get_root(), []
    for path in paths:
        if try_git("cat-file", "-e", f"{stash}:{path}") is None:
            (root / path).unlink(missing_ok=True)
        else:
            git("checkout", "--quiet", stash, "--", f":(top,literal){path}")
        checked_out.append(path)
    git("reset", "--quiet")
    return checked_out
