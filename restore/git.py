"""Git commands in the current repository."""

import subprocess
from pathlib import Path

from restore.errors import RestoreError


def git(*arguments: str) -> str:
    """Run a Git command and return its standard output.

    Raises:
        RestoreError: it failed.
    """
    process = _run(arguments)
    if process.returncode:
        raise RestoreError(f"git {' '.join(arguments)}: {process.stderr.strip()}")
    return process.stdout.rstrip("\n")


def try_git(*arguments: str) -> str | None:
    """Run a Git command and return its standard output, or None if it failed."""
    process = _run(arguments)
    return None if process.returncode else process.stdout.rstrip("\n")


def read_commit(name: str) -> str:
    """Return the content of a commit with its last line break; empty if there is no such commit."""
    process = _run(("cat-file", "commit", name))
    return "" if process.returncode else process.stdout


def read_blob(name: str) -> bytes | None:
    """Return the content of a file in Git, or None if there is no such file."""
    process = subprocess.run(["git", "cat-file", "blob", name], capture_output=True, check=False)  # noqa: S603, S607
    return None if process.returncode else process.stdout


def get_git_folder() -> Path:
    """Return the .git folder, of a worktree its own."""
    return Path(git("rev-parse", "--git-dir"))


def _run(arguments: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
