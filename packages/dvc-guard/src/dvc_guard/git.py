"""Git commands, in the repository around the current folder or around `cwd`."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from dvc_guard.errors import GuardError


def git(*arguments: str, cwd: Path | str | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run a Git command and return its standard output, without the last line breaks.

    Raises:
        GuardError: it failed.
    """
    process = _run(arguments, cwd, environment)
    if process.returncode:
        reason = process.stderr.decode(errors="replace").strip()
        raise GuardError(f"git {' '.join(arguments)}: {reason}")
    return _decode(process.stdout)


def try_git(*arguments: str, cwd: Path | str | None = None, environment: Mapping[str, str] | None = None) -> str | None:
    """Run a Git command and return its standard output, without the last line breaks, or None if it failed."""
    process = _run(arguments, cwd, environment)
    return None if process.returncode else _decode(process.stdout)


def read_object(kind: str, name: str) -> bytes | None:
    """Return the content of a commit or blob, or None if there is no such object.

    The kind "--filters" is a blob, `commit:path`, as Git would check it out.
    """
    process = _run(("cat-file", kind, name), None)
    return None if process.returncode else process.stdout


def require_commit() -> None:
    """Raise GuardError, with what to do, unless the current folder is in a Git repository with a commit."""
    process = _run(("rev-parse", "--verify", "--quiet", "HEAD^{commit}"), None, {"LC_ALL": "C"})
    if process.returncode == 0:
        return
    reason = process.stderr.decode(errors="replace")
    if "dubious ownership" in reason:
        folder = reason.partition("'")[2].partition("'")[0]
        raise GuardError(
            f"{folder} belongs to another user; if you trust it: git config --global --add safe.directory '{folder}'"
        )
    if "not a git repository" in reason:
        raise GuardError(f"{Path.cwd()} is not in a Git repository; a download without .git has no commit: clone it")
    raise GuardError("there is no commit yet, or it cannot be read: commit first, or run git fsck")


def get_git_path(name: str) -> Path:
    """Return the path of a file of Git: that of a linked worktree, or the one that all worktrees share."""
    return Path(git("rev-parse", "--git-path", name))


def get_root() -> Path:
    """Return the root of the repository."""
    return Path(git("rev-parse", "--show-toplevel"))


def list_worktrees() -> list[Path]:
    """Return the roots of all worktrees of the repository."""
    lines = git("worktree", "list", "--porcelain").splitlines()
    return [Path(line.removeprefix("worktree ")) for line in lines if line.startswith("worktree ")]


def _run(
    arguments: tuple[str, ...], cwd: Path | str | None, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    env = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", **(environment or {})}  # what only reads leaves the index as it is
    return subprocess.run(["git", *arguments], cwd=cwd, env=env, capture_output=True, check=False)  # noqa: S603, S607


def _decode(output: bytes) -> str:
    return output.decode(errors="surrogateescape").rstrip("\n")
