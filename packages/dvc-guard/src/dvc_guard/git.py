"""Git commands, in the repository around the current folder or around `cwd`."""

import subprocess
from pathlib import Path

from dvc_guard.errors import GuardError


def git(*arguments: str, cwd: Path | str | None = None) -> str:
    """Run a Git command and return its standard output, without the last line breaks.

    Raises:
        GuardError: it failed.
    """
    process = _run(arguments, cwd)
    if process.returncode:
        reason = process.stderr.decode(errors="replace").strip()
        raise GuardError(f"git {' '.join(arguments)}: {reason}")
    return _decode(process.stdout)


def try_git(*arguments: str, cwd: Path | str | None = None) -> str | None:
    """Run a Git command and return its standard output, without the last line breaks, or None if it failed."""
    process = _run(arguments, cwd)
    return None if process.returncode else _decode(process.stdout)


def read_object(kind: str, name: str) -> bytes | None:
    """Return the content of a commit or blob, or None if there is no such object."""
    process = _run(("cat-file", kind, name), None)
    return None if process.returncode else process.stdout


def get_git_folder() -> Path:
    """Return the .git folder, of a worktree its own."""
    return Path(git("rev-parse", "--git-dir"))


def get_root() -> Path:
    """Return the root of the repository."""
    return Path(git("rev-parse", "--show-toplevel"))


def _run(arguments: tuple[str, ...], cwd: Path | str | None) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, check=False)  # noqa: S603, S607


def _decode(output: bytes) -> str:
    return output.decode(errors="surrogateescape").rstrip("\n")
